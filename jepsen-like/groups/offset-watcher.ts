// A stranger who asks again and again what a group has committed. Members ask only when they are given a partition; so a
// commit that is lost while its member goes on would be covered by its next one, unseen.
import type { History } from "../history.ts";
import { Random } from "../random.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { CODE } from "../wire/error-codes.ts";
import { OFFSET_FETCH } from "../wire/member-requests.ts";
import type { RunClock } from "../workload/clock.ts";
import { Body } from "./body.ts";
import type { GroupHistory } from "./group-history.ts";

const ASK_EVERY_MS = 150;
const ANSWER_MS_MAX = 2_000;

export interface WatcherOptions {
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  readonly seed: number;
  readonly addresses: ReadonlyMap<number, BrokerAddress>;
  readonly history: History;
  readonly groups: GroupHistory;
  readonly nowMs: RunClock;
}

export class OffsetWatcher {
  readonly #options: WatcherOptions;
  readonly #body: Body;
  readonly #end: Promise<void>;

  constructor(options: WatcherOptions) {
    this.#options = options;
    const { addresses, group, history, nowMs, seed } = options;
    this.#body = new Body({
      name: `chaos-watcher-${group}`,
      group,
      addresses,
      random: new Random(seed, `watcher of ${group}`),
      nowMs,
      malformed: (what) => void history.malformed.push(what),
    });
    this.#end = this.#watch();
  }

  get group(): string {
    return this.#options.group;
  }

  async #watch(): Promise<void> {
    while (!this.#body.isDead) {
      await this.ask();
      await this.#body.rest(ASK_EVERY_MS);
    }
  }

  /** What the coordinator says of each partition; null when there was no complete answer. */
  async ask(): Promise<ReadonlyMap<number, number> | null> {
    const { group, groups, topic, partitions: count, history } = this.#options;
    const partitions = Array.from({ length: count }, (_, partition) => partition);
    const question = { group, memberId: null, memberEpoch: -1, topic, partitions };
    const exchange = await this.#body.ask(OFFSET_FETCH, question, ANSWER_MS_MAX);
    if (exchange === null || exchange.answer === null) return null;
    const { sentMs, answeredMs, answer } = exchange;
    if (answer.code !== CODE.none) {
      history.countCode(`OffsetFetch of a stranger ${answer.code}`);
      this.#body.lookElsewhere();
      return null;
    }
    const told = new Map<number, number>();
    for (const { partition, offset: committed, code } of answer.offsets) {
      if (code !== CODE.none) continue;
      const offset = Math.max(committed, 0);
      told.set(partition, offset);
      groups.offsets.push({ group, partition, offset, sentMs, answeredMs });
    }
    return told.size === count ? told : null;
  }

  async close(): Promise<void> {
    this.#body.die();
    await this.#end;
  }
}
