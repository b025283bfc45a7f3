// One run: brokers, clients, harm for a while, repair, the final read, and the checks. The same for real brokers and for
// the unsafe ones of the positive control.
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { checkClients } from "./checkers/client-checks.ts";
import { finalRead } from "./checkers/final-read.ts";
import { FindingDraft } from "./checkers/finding.ts";
import type { Finding } from "./checkers/finding.ts";
import { checkLogs } from "./checkers/log-checks.ts";
import { checkGroups } from "./checkers/group-checks.ts";
import { checkReadings } from "./checkers/reading-checks.ts";
import { checkTopics } from "./checkers/topic-checks.ts";
import { Cluster, commandLine } from "./cluster/cluster.ts";
import type { Readings } from "./commands/printed.ts";
import { ReaderCrew } from "./commands/reader-crew.ts";
import type { GroupPlan } from "./groups/crew.ts";
import { GroupRun, OFFSETS_PARTITIONS } from "./groups/group-run.ts";
import type { GroupOutcome } from "./groups/group-run.ts";
import { HEARTBEAT_MS, SESSION_MS } from "./groups/membership.ts";
import { History } from "./history.ts";
import type { FaultRecord } from "./nemesis/fault-record.ts";
import { Nemesis } from "./nemesis/nemesis.ts";
import { HANG_MS } from "./patience.ts";
import { Random } from "./random.ts";
import { TopicChurn } from "./topics/topic-churn.ts";
import type { TopicEvent } from "./topics/topic-history.ts";
import type { BrokerAddress } from "./wire/connection.ts";
import { pause, startClock } from "./workload/clock.ts";
import type { RunClock } from "./workload/clock.ts";
import { Leaders } from "./workload/leaders.ts";
import type { LeaderChange } from "./workload/leaders.ts";
import { Producer } from "./workload/producer.ts";
import { EndWatcher, TailReader } from "./workload/watcher.ts";

export const PARTITIONS = 12;
const TOPIC = "chaos";
const IDEMPOTENT_PRODUCERS = 4;
const PRODUCERS = 6;

export interface TimelineEvent {
  readonly atMs: number;
  readonly what: string;
}

export interface RunOptions {
  readonly seed: number;
  readonly directory: string;
  /** The program of a broker; by default the built command line. */
  readonly program?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly say: (event: TimelineEvent) => void;
  /** How long answers and agreement are waited for when the harm is over; by default, until only a hang is longer. */
  readonly patienceMs?: number;
  /** Consumer groups that read along; none by default. */
  readonly groups?: readonly GroupPlan[];
  /**
   * How long harm is done, where the product's own commands read along and topics come and go; left out: neither happens.
   */
  readonly besideForS?: number;
  /** Does the harm; when it returns, everything that it stopped runs again. */
  readonly harm: (nemesis: Nemesis, progress: () => Progress) => Promise<void>;
}

export interface RunOutcome {
  readonly history: History;
  readonly findings: readonly Finding[];
  readonly faults: readonly FaultRecord[];
  readonly timeline: readonly TimelineEvent[];
  readonly leaderChanges: readonly LeaderChange[];
  /** How many brokers led a partition before the first fault. */
  readonly leadersAtFirst: number;
  /** When producers began and when they stopped to send anything new. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly recordsRead: number;
  /** How many replicas of each partition were read at the end. */
  readonly replicas: number;
  /** How long each start of a broker took until it answered. */
  readonly startsMs: readonly number[];
  /** Null: a run without consumer groups. */
  readonly groups: GroupOutcome | null;
}

/** What has happened so far, for whoever decides how long harm goes on. */
export interface Progress {
  readonly faults: readonly FaultRecord[];
  readonly ackedRecords: number;
  readonly leaderChanges: readonly LeaderChange[];
  readonly groups: GroupOutcome | null;
  readonly topics: readonly TopicEvent[];
  /** How often the product's own members of a group were ended. */
  readonly memberEnds: number;
}

/** Short sessions and no patience at the start, so that groups change often. */
const GROUP_SETTINGS = {
  "group.min.session.timeout.ms": 1_000,
  "group.initial.rebalance.delay.ms": 300,
  "offsets.topic.num.partitions": OFFSETS_PARTITIONS,
};
const CONSUMER_SETTINGS = {
  "group.consumer.session.timeout.ms": SESSION_MS,
  "group.consumer.heartbeat.interval.ms": HEARTBEAT_MS,
};

export async function runOnce(options: RunOptions): Promise<RunOutcome> {
  mkdirSync(options.directory, { recursive: true });
  const nowMs = startClock();
  const timeline: TimelineEvent[] = [];
  const note = (event: TimelineEvent): void => void timeline.push(event);
  const say = (what: string): void => {
    const event = { atMs: nowMs(), what };
    note(event);
    options.say(event);
  };
  const deaths: string[] = [];
  const cluster = await Cluster.prepare({
    directory: join(options.directory, "brokers"),
    ...(options.program === undefined ? {} : { program: options.program }),
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    settings: { "journal.file.bytes": "16MiB", ...settingsOf(options), ...options.settings },
    unexpectedEnd: ({ broker, incarnation, code, signal }) => {
      const what = `broker ${broker} ended by itself in life ${incarnation}: ${signal ?? code}`;
      deaths.push(what);
      say(what);
    },
  });
  try {
    return await new Run(options, cluster, nowMs, say, note, timeline, deaths).go();
  } finally {
    await cluster.stop();
  }
}

function settingsOf({ groups = [], besideForS }: RunOptions): Readonly<Record<string, unknown>> {
  const members = groups.flatMap((plan) => plan.members);
  const hasNew = members.some(({ protocol }) => protocol === "consumer");
  return {
    ...(members.length > 0 || besideForS !== undefined ? GROUP_SETTINGS : {}),
    ...(hasNew || besideForS !== undefined ? CONSUMER_SETTINGS : {}),
  };
}

class Run {
  readonly #options: RunOptions;
  readonly #cluster: Cluster;
  readonly #nowMs: RunClock;
  readonly #say: (what: string) => void;
  /** For the timeline alone. */
  readonly #note: (what: string) => void;
  readonly #timeline: readonly TimelineEvent[];
  readonly #deaths: readonly string[];
  readonly #history = new History();
  /** Where clients go. */
  readonly #addresses: Map<number, BrokerAddress>;
  /** Marks this run's values: those of another run on the same seed are strangers. */
  readonly #run = randomBytes(4).toString("hex");

  constructor(
    options: RunOptions,
    cluster: Cluster,
    nowMs: RunClock,
    say: (what: string) => void,
    note: (event: TimelineEvent) => void,
    timeline: readonly TimelineEvent[],
    deaths: readonly string[],
  ) {
    this.#options = options;
    this.#cluster = cluster;
    this.#nowMs = nowMs;
    this.#say = say;
    this.#note = (what) => note({ atMs: nowMs(), what });
    this.#timeline = timeline;
    this.#deaths = deaths;
    this.#addresses = new Map(cluster.brokers.map(({ id, plan }) => [id, plan.kafka]));
  }

  async go(): Promise<RunOutcome> {
    const leadersAtFirst = await this.#begin();
    const history = this.#history;
    const { besideForS = 0 } = this.#options;
    const nowMs = this.#nowMs;
    const leaders = new Leaders(this.#addresses, TOPIC, history, nowMs);
    const producers = this.#startProducers(leaders);
    const watchers = this.#startWatchers();
    const groups = await this.#beginGroups(leaders);
    const readers = this.#startReaders();
    const churn = this.#startChurn();
    const nemesis = this.#nemesis(leaders, producers, groups);
    const fromMs = nowMs();
    this.#say("producers start");
    await pause(1_000);
    await this.#options.harm(nemesis, () => ({
      faults: nemesis.faults,
      ackedRecords: history.ackedRecords,
      leaderChanges: leaders.changes,
      groups: groups?.outcome([]) ?? null,
      topics: churn?.events ?? [],
      memberEnds: readers?.memberEnds ?? 0,
    }));
    if (groups !== null) {
      this.#say("members are left alone");
      await groups.settle();
      this.#say("groups are settled");
    }
    for (const producer of producers) producer.end();
    const toMs = nowMs();
    this.#say("producers send nothing new");
    const unanswered = await this.#settle(producers);
    const ended = await this.#endGroups(groups);
    const readings = await this.#endReaders(readers);
    const topics = (await churn?.settle()) ?? null;
    for (const one of [...producers, ...watchers, leaders]) one.close();
    this.#say("final read");
    const read = await finalRead({
      run: this.#run,
      topic: TOPIC,
      partitions: PARTITIONS,
      addresses: this.#addresses,
      agreeMsMax: this.#options.patienceMs ?? HANG_MS,
    });
    this.#say("checks");
    const recordsRead = read.logs.reduce((sum, { end }) => sum + end, 0);
    const findings = [
      agreement(read.disagreements),
      ...checkLogs(history, read.logs),
      ...checkClients(history, unanswered),
      survival(this.#deaths, nemesis),
      ...(ended === null ? [] : checkGroups(history, ended)),
      ...(readings === null ? [] : checkReadings(readings, read.logs, besideForS)),
      ...(topics === null ? [] : checkTopics(topics, besideForS)),
    ];
    const { faults } = nemesis;
    const [timeline, leaderChanges] = [this.#timeline, leaders.changes];
    return {
      ...{ history, findings, faults, timeline, leaderChanges },
      ...{ leadersAtFirst, fromMs, toMs, recordsRead, groups: ended },
      replicas: this.#addresses.size,
      startsMs: this.#cluster.brokers.flatMap((broker) => broker.startsMs),
    };
  }

  async #beginGroups(leaders: Leaders): Promise<GroupRun | null> {
    const plans = this.#options.groups ?? [];
    if (plans.length === 0) return null;
    this.#say(`start ${plans.reduce((sum, { members }) => sum + members.length, 0)} members`);
    return GroupRun.begin({
      plans,
      seed: this.#options.seed,
      topic: TOPIC,
      partitions: PARTITIONS,
      addresses: this.#addresses,
      leaders,
      history: this.#history,
      nowMs: this.#nowMs,
      note: (what) => this.#note(what),
    });
  }

  /** Members read to the ends that leaders tell now, when nobody writes any more. */
  async #endGroups(groups: GroupRun | null): Promise<GroupOutcome | null> {
    if (groups === null) return null;
    const ends = await this.#endsNow();
    this.#say("members read to the ends");
    const finals = await groups.drain(ends);
    await groups.close();
    return groups.outcome(finals);
  }

  #startReaders(): ReaderCrew | null {
    const { besideForS, directory, seed } = this.#options;
    if (besideForS === undefined) return null;
    this.#say("start the product's own readers");
    return new ReaderCrew({
      ...{ directory, topic: TOPIC, partitions: PARTITIONS, run: this.#run },
      program: commandLine(),
      addresses: this.#addresses,
      random: new Random(seed, "own readers"),
      note: (what) => this.#note(what),
    });
  }

  #startChurn(): TopicChurn | null {
    const { besideForS, seed } = this.#options;
    if (besideForS === undefined) return null;
    const random = new Random(seed, "topics");
    return new TopicChurn({
      ...{ addresses: this.#addresses, run: this.#run, random },
      nowMs: this.#nowMs,
    });
  }

  async #endReaders(readers: ReaderCrew | null): Promise<Readings | null> {
    if (readers === null) return null;
    const ends = await this.#endsNow();
    this.#say("own readers print up to the ends");
    return readers.drain(ends);
  }

  /** What the watcher of ends hears from now on. */
  async #endsNow(): Promise<ReadonlyMap<number, number>> {
    const sinceMs = this.#nowMs();
    const ends = new Map<number, number>();
    while (ends.size < PARTITIONS && this.#nowMs() - sinceMs < HANG_MS) {
      await pause(50);
      for (const { partition, askedMs, end } of this.#history.ends.slice(-200)) {
        if (askedMs >= sinceMs) ends.set(partition, Math.max(end, ends.get(partition) ?? 0));
      }
    }
    return ends;
  }

  async #begin(): Promise<number> {
    this.#say("start three brokers");
    this.#cluster.startAll();
    await this.#cluster.ready(HANG_MS);
    this.#say(`create topic ${TOPIC} with ${PARTITIONS} partitions`);
    const topic = { name: TOPIC, partitions: PARTITIONS, replicationFactor: 3 };
    const metadata = await this.#cluster.createTopic(topic, HANG_MS);
    const leaders = metadata.topics[0]?.partitions.map(({ leader }) => leader) ?? [];
    return new Set(leaders).size;
  }

  /** Each partition gets two idempotent producers and a plain one. */
  #startProducers(leaders: Leaders): Producer[] {
    const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const half = [
      all.filter((partition) => partition % 2 === 0),
      all.filter((partition) => partition % 2 === 1),
      all.slice(0, PARTITIONS / 2),
      all.slice(PARTITIONS / 2),
    ];
    return Array.from({ length: PRODUCERS }, (_, producer) => {
      const options = {
        run: this.#run,
        topic: TOPIC,
        producer,
        isIdempotent: producer < IDEMPOTENT_PRODUCERS,
        partitions: half[producer % half.length] ?? all,
        tickMs: 25,
        // Groups read everything once more each: less of it leaves time for their protocol.
        batchChance: this.#options.groups === undefined ? 0.4 : 0.15,
        recordsMax: 6,
        gzipEvery: producer % 2 === 0 ? 0 : 7,
      };
      return new Producer(options, {
        addresses: this.#addresses,
        leaders,
        history: this.#history,
        random: new Random(this.#options.seed, `producer ${producer}`),
        nowMs: this.#nowMs,
      });
    });
  }

  #startWatchers(): (EndWatcher | TailReader)[] {
    const surroundings = {
      addresses: this.#addresses,
      topic: TOPIC,
      history: this.#history,
      nowMs: this.#nowMs,
    };
    const tails = this.#cluster.brokers.map(
      (broker) => new TailReader(surroundings, broker.id, PARTITIONS, () => broker.incarnation),
    );
    return [new EndWatcher(surroundings, PARTITIONS), ...tails];
  }

  #nemesis(leaders: Leaders, producers: readonly Producer[], groups: GroupRun | null): Nemesis {
    const { lanes } = this.#history;
    const view = {
      partitions: PARTITIONS,
      groups,
      retired: (broker: number) => void this.#addresses.delete(broker),
      unansweredAt: (broker: number) =>
        producers.reduce((sum, producer) => sum + producer.flyingAt(broker), 0),
      lastAckedAttemptMs: (partition: number) => {
        let newest = Number.NEGATIVE_INFINITY;
        for (const lane of lanes) {
          if (lane.partition !== partition) continue;
          const recent = lane.batches.findLast(({ outcome }) => outcome === "acked");
          newest = Math.max(newest, recent?.ackedAttemptMs ?? newest);
        }
        return newest;
      },
    };
    const random = new Random(this.#options.seed, "victims");
    return new Nemesis(this.#cluster, leaders, view, random, this.#nowMs, this.#say);
  }

  /** Waits until everything that was sent is answered; how many batches were given up. */
  async #settle(producers: readonly Producer[]): Promise<number> {
    const giveUpAtMs = this.#nowMs() + (this.#options.patienceMs ?? HANG_MS);
    while (producers.some(({ unanswered }) => unanswered > 0) && this.#nowMs() < giveUpAtMs) {
      await pause(50);
    }
    let givenUp = 0;
    for (const producer of producers) {
      for (const flow of producer.flows) {
        const left = flow.giveUp();
        if (flow.lane.isIdempotent) givenUp += left;
      }
    }
    return givenUp;
  }
}

function agreement(disagreements: readonly string[]): Finding {
  const draft = new FindingDraft("no agreement", "after the last repair all replicas agree");
  draft.examined(PARTITIONS);
  draft.all(disagreements);
  return draft.finding();
}

function survival(deaths: readonly string[], nemesis: Nemesis): Finding {
  const draft = new FindingDraft(
    "survival",
    "brokers end only when they are ended, recover after each repair, and faults really strike",
  );
  draft.examined(nemesis.faults.length);
  draft.all(deaths);
  draft.all(nemesis.complaints);
  draft.all(nemesis.faults.flatMap(({ complaint }) => (complaint === null ? [] : [complaint])));
  return draft.finding();
}
