// What must hold between settings. Each value is fine by itself; together they would make a broker that stalls,
// elects for ever, or cannot store the largest message that it accepts.
import { memoryContradiction } from "./memory-budget.ts";
import type { SettingReader } from "./settings-table.ts";

/** Room that a journal write needs besides one record batch: its headers, twice, and the alignment. */
const JOURNAL_BATCH_OVERHEAD_BYTES = 64 * 1024;

/** The largest `max.message.bytes` that this broker can store, for the setting and for topics. */
export function messageBytesLimit(settings: SettingReader): number {
  return settings.get("journal.batch.bytes.max") - JOURNAL_BATCH_OVERHEAD_BYTES;
}

/** One sentence for each contradiction. */
export function contradictions(settings: SettingReader): readonly string[] {
  const get: SettingReader["get"] = (name) => settings.get(name);
  const brokers = get("initial.brokers");
  const found: string[] = [];
  const require = (holds: boolean, claim: string): void => {
    if (!holds) found.push(claim);
  };
  require(brokers.length === 0 ||
    brokers.some(
      ({ id }) => id === get("broker.id"),
    ), "initial.brokers must name this broker's own broker.id, or be empty");
  require(get("link.silence.ms") >=
    2 * get("link.ping.ms"), "link.silence.ms must be at least twice link.ping.ms");
  require(get("journal.stall.transfer.ms") < get("journal.stall.fence.ms") &&
    get("journal.stall.fence.ms") <
      get(
        "journal.stall.exit.ms",
      ), "journal.stall.transfer.ms, fence.ms and exit.ms must grow in this order");
  require(get("journal.bytes.max") >=
    3 *
      get(
        "journal.file.bytes",
      ), "journal.bytes.max must hold at least three files of journal.file.bytes");
  require(get("journal.batch.bytes.max") * 2 <=
    get(
      "journal.file.bytes",
    ), "journal.file.bytes must hold at least two writes of journal.batch.bytes.max");
  require(get("journal.batch.bytes.max") * 2 <=
    get(
      "journal.arena.bytes",
    ), "journal.arena.bytes must hold at least two writes of journal.batch.bytes.max");
  require(get("max.message.bytes") <=
    messageBytesLimit(
      settings,
    ), "max.message.bytes must leave 64 KiB of journal.batch.bytes.max free");
  require(get("socket.request.max.bytes") >=
    get("max.message.bytes"), "socket.request.max.bytes must not be below max.message.bytes");
  require(get("socket.request.max.bytes") <=
    get(
      "connections.bytes.max",
    ), "connections.bytes.max must hold at least one request of socket.request.max.bytes");
  require(get("group.min.session.timeout.ms") <=
    get(
      "group.max.session.timeout.ms",
    ), "group.min.session.timeout.ms must not be above group.max.session.timeout.ms");
  const memory = memoryContradiction(settings);
  if (memory !== null) found.push(memory);
  return found;
}
