// Torments three real brokers through all their ports while a well-behaved client works with them, and then asks: did any
// broker end, did the client notice anything, is every acknowledged record there, did memory and logs stay bounded?
// Starts its own brokers on free ports and ends only those. Prints totals and ends with `N passed, N failed`.
//
//   node test/hostile/main.ts [--quick] [--seed N] [--only storm,halves,slow,greed,strangers,flood,grpc,http,link]
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { HostClock } from "../../internal/host/clock.ts";
import { HostWire } from "../../internal/host/wire.ts";
import { apiVersions } from "../../internal/kafka/api/18-api-versions.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { LocalCluster, processFacts } from "../process/local-cluster.ts";
import type { Address } from "../../internal/ports/wire.ts";
import type { BrokerProcess } from "../process/local-cluster.ts";
import { KafkaClient } from "../wire/kafka-client.ts";
import { countOf, readLog } from "./logs.ts";
import {
  Idlers,
  flood,
  greed,
  halfFrame,
  isHungUpOn,
  slowReaders,
  strangers,
} from "./nuisances.ts";
import type { FloodTotals } from "./nuisances.ts";
import {
  isGrpcServing,
  isSilenceRefused,
  metricsPage,
  tormentGrpc,
  tormentHttp,
  tormentLink,
} from "./other-ports.ts";
import { Random } from "./random.ts";
import { advertisedFrames } from "./seed-frames.ts";
import type { Victim } from "./seed-frames.ts";
import { newTotals, storm } from "./storm.ts";
import { HANG_MS, Witness } from "./witness.ts";

interface Sizes {
  readonly judgedFrames: number;
  readonly stormMsMax: number;
  readonly connectionsPerBroker: number;
  readonly othersPerPort: number;
  readonly slowReaderMsMax: number;
  readonly settleMsMax: number;
}

const QUICK: Sizes = {
  judgedFrames: 100_000,
  stormMsMax: 35_000,
  connectionsPerBroker: 1_000,
  othersPerPort: 200,
  slowReaderMsMax: 30_000,
  settleMsMax: 5_000,
};
const FULL: Sizes = {
  judgedFrames: 400_000,
  stormMsMax: 55_000,
  connectionsPerBroker: 5_000,
  othersPerPort: 1_000,
  slowReaderMsMax: 30_000,
  settleMsMax: 15_000,
};

const MIB = 1 << 20;
const SENT_FRAMES_MIN = 100_000;
/** What a broker may hold more than before, once it has settled. */
const GROWTH_BYTES_MAX = 150 * MIB;
/** `connections.bytes.max`. */
const CLIENT_BYTES_MAX = 256 * MIB;
/** Warnings of all kinds together, per broker and second. */
const LOG_LINES_PER_SECOND_MAX = 30;
/** More than the brokers' arenas hold, so that the memory of a busy broker is what is compared with. */
const FILL_BATCHES = 100;
const FILL_BYTES = 900_000;
const HALVES = 100;
const SLOW_READERS = 12;

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});
const seed = Number(flags.seed);
const sizes = flags.quick === true ? QUICK : FULL;
let passed = 0;
let failed = 0;

function check(what: string, complaints: readonly string[]): void {
  if (complaints.length === 0) {
    passed++;
    console.log(`ok      ${what}`);
  } else {
    failed++;
    console.log(`FAILED  ${what}`);
    for (const line of complaints.slice(0, 10)) console.log(`        ${line.slice(0, 600)}`);
  }
}

function unless(holds: boolean, complaint: string): readonly string[] {
  return holds ? [] : [complaint];
}

const only = new Set(flags.only.split(",").filter((name) => name !== ""));

function isWanted(name: string): boolean {
  return only.size === 0 || only.has(name);
}

async function when<T>(name: string, otherwise: T, act: () => Promise<T>): Promise<T> {
  return isWanted(name) ? act() : otherwise;
}

const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

/** Of one broker, in bytes. */
interface Memory {
  readonly residentBytes: number;
  /** Objects and buffers, as the runtime counts them. */
  readonly heldBytes: number;
}

function processValue(page: string, name: string): number {
  const line = page.split("\n").find((each) => each.startsWith(`flotilla_process_${name} `));
  return Number(line?.slice(line.lastIndexOf(" ") + 1) ?? Number.NaN);
}

/** What the process says of itself, for whoever wonders about memory or delays. */
function processLine(page: string): string {
  const value = (name: string): number => processValue(page, name);
  const delay = value('event_loop_delay_seconds{percentile="100"}');
  const pauses = value('gc_pause_seconds_sum{kind="major"}');
  return (
    `${mib(value("heap_used_bytes"))} of objects, ${mib(value("external_memory_bytes"))} of buffers, ` +
    `longest turn ${Math.round(delay * 1000)} ms, ${Math.round(pauses * 1000)} ms of major collections`
  );
}

class Trial {
  readonly #cluster: LocalCluster;
  readonly #witness: Witness;
  readonly #random = new Random(seed);
  readonly #totals = newTotals();
  readonly #floods: FloodTotals = { opened: 0, refused: 0 };
  readonly #idlers = new Idlers();
  readonly #startMs = performance.now();
  #before: readonly Memory[] = [];
  readonly #peak: number[] = [];
  #logStartMs = 0;
  #big: Victim[] = [];
  #victims: Victim[] = [];

  constructor(cluster: LocalCluster) {
    this.#cluster = cluster;
    const name = `witness-${Buffer.from(this.#random.bytes(8)).toString("hex")}`;
    this.#witness = new Witness(cluster.brokers, name);
  }

  get #seconds(): number {
    return Math.round((performance.now() - this.#startMs) / 1000);
  }

  async prepare(): Promise<void> {
    await this.#witness.open(9);
    this.#victims = this.#victimsOf("victim", await this.#witness.create("victim", 12));
    this.#big = this.#victimsOf("big", await this.#witness.create("big", 12));
    this.#witness.begin();
    this.#logStartMs = performance.now();
    await this.#fill();
    await pause(1_000);
    this.#before = await this.#memory();
    for (const { residentBytes } of this.#before) this.#peak.push(residentBytes);
    console.log(`ready after ${this.#seconds} s`);
  }

  #victimsOf(
    name: string,
    view: { readonly id: Victim["id"]; readonly leaders: readonly number[] },
  ): Victim[] {
    return this.#cluster.brokers.map((broker) => {
      const partitions = view.leaders.flatMap((leader, k) => (leader === broker.id ? [k] : []));
      return { name, id: view.id, partitions };
    });
  }

  async #fill(): Promise<void> {
    const value = new Uint8Array(FILL_BYTES).fill(7);
    const batch = encodeBatch([{ key: null, value, timestampMs: Date.now() }]);
    let left = FILL_BATCHES;
    const lane = async (partition: number): Promise<void> => {
      while (left-- > 0) await this.#witness.append("big", partition, batch);
    };
    await Promise.all(Array.from({ length: 12 }, (_, partition) => lane(partition)));
  }

  async torment(): Promise<void> {
    const stop = new AbortController();
    const sampling = this.#sampleMemory(stop.signal);
    const { brokers } = this.#cluster;
    const outcomes = await Promise.all(brokers.map((broker, k) => this.#tormentOne(broker, k)));
    check(
      "greedy requests were answered",
      outcomes.flatMap(({ greed: wrong }) => wrong),
    );
    check(
      "strangers were hung up on",
      outcomes.flatMap(({ strangers: wrong }) => wrong),
    );
    const readers = outcomes.reduce((sum, { slow }) => sum + slow, 0);
    check(
      "readers that do not read were given up",
      unless(readers === SLOW_READERS * brokers.length, `only ${readers}`),
    );
    const others = outcomes.reduce((sum, { others: count }) => sum + count, 0);
    console.log(
      `connections: ${this.#floods.opened} flooded and reset (${this.#floods.refused} refused), ` +
        `${this.#idlers.count} half-open, ${readers} slow readers, ${others} on other ports`,
    );
    this.#idlers.close();
    stop.abort();
    await sampling;
  }

  async #sampleMemory(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const [k, broker] of this.#cluster.brokers.entries()) {
        if (!this.#cluster.isAlive(broker)) continue;
        const { residentBytes } = processFacts(broker.pid);
        this.#peak[k] = Math.max(this.#peak[k] ?? 0, residentBytes);
      }
      await pause(200);
    }
  }

  async #tormentOne(
    broker: BrokerProcess,
    k: number,
  ): Promise<{
    readonly greed: string[];
    readonly strangers: string[];
    readonly slow: number;
    readonly others: number;
  }> {
    const random = this.#random.fork();
    const victim = this.#victims[k] as Victim;
    const { kafka } = broker;
    const untilMs = performance.now() + sizes.stormMsMax;
    const goesOn = (): boolean =>
      performance.now() < untilMs && this.#totals.judgedFrames < sizes.judgedFrames;
    const seeds = await this.#seedsOf(broker, victim);
    const per = sizes.othersPerPort;
    const [slow, wrong, unmet, , , ...others] = await Promise.all([
      when("slow", SLOW_READERS, () => this.#slowReaders(broker, k)),
      when("greed", [], () => greed(kafka, victim)),
      when("strangers", [], () => this.#unmetStrangers(broker, random.fork())),
      when("storm", undefined, () =>
        storm({ to: kafka, victim, seeds, random: random.fork(), goesOn }, this.#totals),
      ),
      when("flood", undefined, () =>
        flood(kafka, random.fork(), sizes.connectionsPerBroker, 50, this.#floods),
      ),
      when("grpc", 0, () => tormentGrpc(broker.grpc, random.fork(), per)),
      when("http", 0, () => tormentHttp(broker.http, random.fork(), per)),
      when("link", 0, () => tormentLink(broker.link, random.fork(), per)),
    ]);
    const count = others.reduce((sum, one) => sum + one, 0);
    return { greed: wrong, strangers: unmet, slow, others: count };
  }

  /** First readers that do not read, then halves of frames: together, the ones would leave no memory for the others. */
  async #slowReaders({ kafka }: BrokerProcess, k: number): Promise<number> {
    const big = this.#big[k] as Victim;
    const gone = await slowReaders(kafka, big, SLOW_READERS, sizes.slowReaderMsMax);
    if (isWanted("halves")) await this.#halves(kafka);
    return gone;
  }

  async #halves(kafka: Address): Promise<void> {
    await this.#idlers.add(kafka, HALVES, null);
    await this.#idlers.add(kafka, HALVES, halfFrame(1_000, 500));
    await this.#idlers.add(kafka, HALVES, halfFrame(64 * MIB, 3 * MIB));
  }

  async #seedsOf(broker: BrokerProcess, victim: Victim): Promise<readonly Uint8Array[]> {
    const world = { wire: new HostWire(), clock: new HostClock() };
    const client = new KafkaClient(world, broker.kafka);
    const { apiKeys } = await client.request(apiVersions, 3, {
      clientSoftwareName: "hostile",
      clientSoftwareVersion: "1",
    });
    client.close();
    const { frames, apis, versions } = advertisedFrames(apiKeys, victim, seed);
    if (broker.id === 1) {
      console.log(`${frames.length} well-formed frames of ${apis} APIs in ${versions} versions`);
    }
    return frames;
  }

  async #unmetStrangers(broker: BrokerProcess, random: Random): Promise<string[]> {
    const cases = strangers(random);
    const met = await Promise.all(
      cases.map(async ([name, bytes]) => {
        const isGone = await isHungUpOn(broker.kafka, bytes, HANG_MS);
        return isGone ? [] : [`broker ${broker.id} listens on to ${name}`];
      }),
    );
    const silent = await isSilenceRefused(broker.link);
    const link = unless(silent, `broker ${broker.id} keeps a link that says nothing`);
    return [...met.flat(), ...link];
  }

  async judge(): Promise<void> {
    const { brokers } = this.#cluster;
    this.#printTotals();
    const { sentFrames, judgedFrames } = this.#totals;
    check(
      `${SENT_FRAMES_MIN} hostile frames were sent and as many judged`,
      unless(judgedFrames >= SENT_FRAMES_MIN, `sent ${sentFrames}, judged ${judgedFrames}`),
    );
    const dead = brokers.filter((broker) => !this.#cluster.isAlive(broker));
    check(
      "no broker ended",
      dead.map(({ id }) => `broker ${id}`),
    );
    await pause(1_000);
    await this.#witness.stop();
    check("the well-behaved client saw no error and no hang", this.#witness.complaints);
    await this.#judgeMemory();
    const { acknowledgedRecords } = this.#witness;
    const wrong = await this.#witness.verify();
    check(
      `every acknowledged record is there (${this.#witness.readRecords})`,
      acknowledgedRecords > 0 ? wrong : ["none was acknowledged"],
    );
    for (const broker of brokers) {
      const isServing = await isGrpcServing(broker.grpc);
      check(`gRPC of broker ${broker.id} serves`, unless(isServing, "it does not"));
      const page = await metricsPage(broker.http);
      console.log(`broker ${broker.id}: ${processLine(page)}`);
      check(
        `HTTP of broker ${broker.id} serves its metrics`,
        unless(page.includes("flotilla_kafka_connections_closed_total"), page.slice(0, 200) || "-"),
      );
      this.#judgeLog(broker);
    }
    this.#witness.close();
  }

  #printTotals(): void {
    const { sentFrames, judgedFrames, connections, ends, sent } = this.#totals;
    const { broker, sentinel, silence, unreachable } = ends;
    console.log(
      `frames: ${sentFrames} sent, ${judgedFrames} judged, over ${connections} connections ` +
        `(${broker} ended by the broker, ${sentinel} answered to the end, ${silence} left silent, ` +
        `${unreachable} not accepted); ${this.#seconds} s`,
    );
    const kinds = [...sent].map(([name, count]) => `${name} ${count}`);
    console.log(`  ${kinds.join(", ")}`);
    const { rounds, acknowledgedRecords, longestMs, leaderMoves } = this.#witness;
    console.log(
      `well-behaved client: ${rounds} rounds, ${acknowledgedRecords} records acknowledged, ` +
        `longest wait ${Math.round(longestMs)} ms, ${leaderMoves} answers that a leader had moved`,
    );
  }

  /**
   * What a broker holds is bounded strictly, garbage that it has not collected yet aside. What is resident may be more
   * by what its allocator keeps of the memory that clients were allowed to fill, and is printed.
   */
  async #judgeMemory(): Promise<void> {
    let grown = await this.#whenSettled();
    if (this.#complaintsOf(grown).length > 0) {
      console.log("memory is judged again without garbage");
      for (const broker of this.#cluster.brokers) this.#cluster.collectGarbage(broker);
      grown = await this.#whenSettled();
    }
    const shown = (of: (memory: Memory) => number, all: readonly Memory[]): string =>
      all.map((memory) => mib(of(memory))).join(", ");
    const resident = ({ residentBytes }: Memory): number => residentBytes;
    const held = ({ heldBytes }: Memory): number => heldBytes;
    const after = await this.#memory();
    console.log(
      `resident: ${shown(resident, this.#before)} before, ${this.#peak.map(mib).join(", ")} at the ` +
        `peak, ${shown(resident, after)} after; objects and buffers: ${shown(held, this.#before)} ` +
        `before, ${shown(held, after)} after`,
    );
    check("memory is bounded", this.#complaintsOf(grown));
  }

  async #whenSettled(): Promise<Memory[]> {
    const untilMs = performance.now() + sizes.settleMsMax;
    for (;;) {
      const grown = await this.#growth();
      if (this.#complaintsOf(grown).length === 0 || performance.now() > untilMs) return grown;
      await pause(500);
    }
  }

  async #growth(): Promise<Memory[]> {
    return (await this.#memory()).map(({ residentBytes, heldBytes }, k) => {
      const before = this.#before[k] ?? { residentBytes: 0, heldBytes: 0 };
      return {
        residentBytes: residentBytes - before.residentBytes,
        heldBytes: heldBytes - before.heldBytes,
      };
    });
  }

  #complaintsOf(grown: readonly Memory[]): string[] {
    return grown.flatMap(({ residentBytes, heldBytes }, k) => [
      ...unless(heldBytes < GROWTH_BYTES_MAX, `broker ${k + 1} holds ${mib(heldBytes)} more`),
      ...unless(
        residentBytes < GROWTH_BYTES_MAX + CLIENT_BYTES_MAX,
        `broker ${k + 1} has ${mib(residentBytes)} more resident`,
      ),
    ]);
  }

  async #memory(): Promise<Memory[]> {
    const { brokers } = this.#cluster;
    const alive = brokers.filter((broker) => this.#cluster.isAlive(broker));
    return Promise.all(
      alive.map(async ({ pid, http }) => {
        const page = await metricsPage(http);
        const heldBytes =
          processValue(page, "heap_used_bytes") + processValue(page, "external_memory_bytes");
        return { residentBytes: processFacts(pid).residentBytes, heldBytes };
      }),
    );
  }

  #judgeLog(broker: BrokerProcess): void {
    const log = readLog(broker.log);
    const seconds = (performance.now() - this.#logStartMs) / 1000;
    const shown = log.events.map(([name, count]) => `${name} ${count}`).join(", ");
    console.log(`log of broker ${broker.id}: ${log.lines} lines, ${mib(log.bytes)}: ${shown}`);
    check(`broker ${broker.id} logged no error`, [...log.errors, ...log.foreign]);
    const starts = countOf(log, "broker-starts");
    check(`broker ${broker.id} started once`, unless(starts === 1, `${starts} times`));
    check(`broker ${broker.id} logged whom it refused, at a bounded rate`, [
      ...unless(countOf(log, "client-refused") > 0, "no client-refused"),
      ...unless(countOf(log, "link-stranger-closed") > 0, "no link-stranger-closed"),
      ...unless(log.suppressed > 0, "nothing was left out"),
      ...unless(log.lines < 200 + seconds * LOG_LINES_PER_SECOND_MAX, `${log.lines} lines`),
    ]);
  }
}

// Every broker serves what it holds: who leads what is looked up once, and may change at any moment on a busy machine.
const cluster = await LocalCluster.start({ "follower.fetch": "true" });
try {
  const trial = new Trial(cluster);
  await trial.prepare();
  await trial.torment();
  await trial.judge();
} catch (error) {
  check("the trial came to its end", [error instanceof Error ? (error.stack ?? "?") : "?"]);
} finally {
  await cluster.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
