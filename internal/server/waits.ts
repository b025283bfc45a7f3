// For whom or for what this broker waits, in words for an operator (L10). Whatever may take for ever is here: what waits is
// counted, and whose turn it is is named. Looked up when somebody asks, and once a while for the log.
import type { BrokerId, GroupId, ReplicaId } from "../model/ids.ts";
import type { JournalRoom } from "../journal/owner.ts";
import type { World } from "../ports/world.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Replica } from "../replica/replica.ts";
import { noteDoubt } from "./disk-status.ts";
import type { Links } from "../transport/links.ts";

export interface Wait {
  readonly what: string;
  readonly for: string;
  /** How many groups, and the first of them; 0 when it is the broker that waits. */
  readonly count: number;
  readonly groups: readonly GroupId[];
}

const GROUPS_NAMED_MAX = 8;
/** Kinds that are told of, each with those that it waits for. */
const WAITS_MAX = 64;
const LOOK_MS = 30_000;

/** Of a broker. */
interface Waiting {
  readonly raft: MultiRaft;
  readonly journal: { room(): JournalRoom };
  readonly links: Pick<Links, "session">;
  readiness(): readonly string[];
}

export function waitsOf(broker: Waiting): readonly Wait[] {
  const waits = new Map<string, { what: string; for: string; count: number; groups: GroupId[] }>();
  const add = (what: string, whom: string, group: GroupId | null): void => {
    const key = `${what} ${whom}`;
    const known = waits.get(key);
    if (known === undefined && waits.size >= WAITS_MAX) return;
    const wait = known ?? { what, for: whom, count: 0, groups: [] };
    waits.set(key, wait);
    if (group === null) return;
    wait.count++;
    if (wait.groups.length < GROUPS_NAMED_MAX) wait.groups.push(group);
  };
  for (const reason of broker.readiness()) add("to be ready", reason, null);
  if (broker.journal.room() !== "ok") {
    add("records of clients and new topics", "room on disk below journal.bytes.max", null);
  }
  for (const replica of broker.raft.replicas()) {
    const wait = waitOf(broker, replica);
    if (wait !== null) add(wait.what, wait.for, replica.group);
  }
  return [...waits.values()];
}

function waitOf(broker: Waiting, replica: Replica): Pick<Wait, "what" | "for"> | null {
  const { machine, damaged } = replica;
  if (machine.standing === "recalling") {
    const whom = named(broker, broker.raft.recallAwaits(replica));
    return { what: "to recall what was promised", for: `the answers of ${whom}` };
  }
  if (machine.standing === "quiet") {
    const whom = named(broker, others(replica));
    return { what: "to vote after the start", for: `the accounts of most of ${whom}` };
  }
  if (machine.standing === "suspect") {
    return { what: "to be replaced", for: "an operator: this directory counts for nothing" };
  }
  if (damaged.size > 0) {
    return { what: "for damaged entries", for: `a copy from ${named(broker, others(replica))}` };
  }
  if (machine.leader === null) {
    return { what: "for a leader", for: `the votes of most of ${named(broker, others(replica))}` };
  }
  if (replica.leads && !replica.serves) {
    return { what: "to lead", for: `the disks of most of ${named(broker, others(replica))}` };
  }
  return null;
}

function others(replica: Replica): readonly BrokerId[] {
  const { voters, votersOutgoing } = replica.machine.configuration;
  const ids = new Set<ReplicaId>([...voters, ...votersOutgoing]);
  const brokers: BrokerId[] = [];
  for (const id of ids) {
    const member = id === replica.self ? null : replica.member(id);
    if (member !== null) brokers.push(member.broker);
  }
  return brokers;
}

/** "brokers 1, 3 (not connected)". */
function named({ links }: Waiting, brokers: readonly BrokerId[]): string {
  const ordered = [...new Set(brokers)].toSorted((one, other) => one - other);
  if (ordered.length === 0) return "this broker alone";
  const names = ordered.map((id) => `${id}${links.session(id) === null ? " (not connected)" : ""}`);
  return `brokers ${names.join(", ")}`;
}

/** Says in the log at the start whether this disk is doubted, and then what has waited for a while, once until that changes. */
export function watchWaits({ clock, log, tasks }: World, broker: Waiting): void {
  noteDoubt(log, broker.raft);
  let before = new Set<string>();
  const said = new Set<string>();
  const look = (): void => {
    const now = new Set<string>();
    for (const wait of waitsOf(broker)) {
      const key = `${wait.what} ${wait.for}`;
      now.add(key);
      if (!before.has(key) || said.has(key)) continue;
      said.add(key);
      log.warn({ ...wait }, "waits");
    }
    for (const key of said) if (!now.has(key)) said.delete(key);
    before = now;
  };
  tasks.spawn("waits", async (stop) => {
    let wake = (): void => {};
    stop.addEventListener("abort", () => wake(), { once: true });
    while (!stop.aborted) {
      await new Promise<void>((next) => {
        const cancel = clock.after(LOOK_MS, next);
        wake = () => {
          cancel();
          next();
        };
      });
      if (!stop.aborted) look();
    }
  });
}
