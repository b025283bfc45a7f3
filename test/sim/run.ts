// One seed from beginning to end: a cluster boots, clients and faults do their work, everything is healed, and then
// whatever was promised must be there. Every step is checked while it happens.
import type { BrokerFaults } from "../../internal/server/broker.ts";
import { Book } from "./checkers/book.ts";
import { Verdict } from "./checkers/verdict.ts";
import type { Finding } from "./checkers/verdict.ts";
import type { SimBroker } from "./cluster/sim-cluster.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { SMALL_SIZES } from "./cluster/small-settings.ts";
import { Ending } from "./ending.ts";
import { Health } from "./nemesis/health.ts";
import { Nemesis } from "./nemesis/nemesis.ts";
import type { Schedule } from "./nemesis/schedule.ts";
import { Supervisor } from "./nemesis/supervisor.ts";
import type { Plan, Workload } from "./plan.ts";
import { planOf } from "./plan.ts";
import { PROFILES } from "./profiles.ts";
import type { ProfileName } from "./profiles.ts";
import type { Totals } from "./totals.ts";
import { newTotals } from "./totals.ts";
import { ClusterWatch } from "./watch/cluster-watch.ts";
import { CoordinatorWatch } from "./watch/coordinator-watch.ts";
import { FatalWatch } from "./watch/fatal-watch.ts";
import { Administrators } from "./workload/administrators.ts";
import { StateWatch } from "./watch/states.ts";
import { Quorums } from "./watch/quorums.ts";
import { Traffic } from "./workload/traffic.ts";
import { CALM_DISK } from "./world/sim-device.ts";
import { logLine } from "./world/sim-log.ts";
import { CALM_NETWORK } from "./world/sim-fabric.ts";
import { Simulation } from "./world/sim-world.ts";

export interface RunOptions {
  readonly seed: number;
  readonly workload: Workload;
  readonly profile?: ProfileName;
  /** Bugs to plant. */
  readonly faults?: BrokerFaults;
  /** Changes to what the seed has decided. */
  readonly adapt?: (plan: Plan) => Plan;
  /** Faults in place of those that the seed would draw. */
  readonly schedule?: Schedule;
  /** Sees the log of the brokers and the faults, line by line. */
  readonly print?: (line: string) => void;
}

export interface RunReport {
  readonly seed: number;
  readonly findings: readonly Finding[];
  readonly totals: Totals;
  readonly digest: string;
  readonly plan: Plan;
  /** The faults that there were. */
  readonly schedule: Schedule;
  /** Processor time that it took. */
  readonly cpuUs: number;
}

const BOOT_MS_MAX = 8_000;
/** Whatever stands still is seen long before: a follower with a slow disk that takes one entry at a time takes minutes. */
const RUN_MS_MAX = 240_000;
const EVENTS_MAX = 6_000_000;

/** The run under way on this thread: rejections that nobody handles are its. */
let current: Run | null = null;
process.on("unhandledRejection", (reason) => {
  if (current === null) throw reason;
  current.escaped(reason);
});

export async function runSeed(options: RunOptions): Promise<RunReport> {
  const run = new Run(options);
  current = run;
  try {
    return await run.run();
  } finally {
    current = null;
  }
}

class Run {
  readonly #options: RunOptions;
  readonly #plan: Plan;
  readonly #simulation: Simulation;
  readonly #cluster: SimCluster;
  readonly #verdict: Verdict;
  readonly #book: Book;
  readonly #totals = newTotals();
  readonly #nemesis: Nemesis;
  readonly #supervisor: Supervisor;
  readonly #watch: ClusterWatch;
  readonly #ending: Ending;
  readonly #states: StateWatch;
  readonly #traffic: Traffic;
  readonly #administrators: Administrators;

  constructor(options: RunOptions) {
    const { seed, faults, print } = options;
    const drawn = planOf(seed, options.workload, PROFILES[options.profile ?? "default"]);
    const plan = options.adapt?.(drawn) ?? drawn;
    this.#options = options;
    this.#plan = plan;
    const simulation = new Simulation({
      seed,
      disk: { ...CALM_DISK, journal: plan.journalLatency },
      network: { ...CALM_NETWORK, latency: plan.networkLatency, windowBytes: plan.windowBytes },
    });
    this.#simulation = simulation;
    this.#cluster = clusterOf(simulation, plan, faults);
    this.#verdict = new Verdict(() => simulation.scheduler.nowUs);
    this.#book = new Book(this.#verdict);
    this.#supervisor = new Supervisor(this.#cluster, simulation.entropy("supervisor"));
    this.#watch = new ClusterWatch(this.#cluster, this.#book, {
      moment: (at, moment) => this.#nemesis.moment(at, moment),
      mayLack: (at) => this.#supervisor.misplaced.has(at),
    });
    const setting = {
      simulation,
      cluster: this.#cluster,
      totals: this.#totals,
      supervisor: this.#supervisor,
      note: (what: string) => print?.(`${simulation.nowMs.toFixed(3).padStart(12)} *** ${what}`),
      heldElsewhere: (at: SimBroker) => this.#watch.heldElsewhere(at),
      backUp: (at: SimBroker) => this.#watch.durableLog(at)?.snapshot() ?? (() => {}),
    };
    this.#nemesis = new Nemesis(setting, plan, options.schedule ?? null);
    this.#states = new StateWatch(this.#cluster);
    const health = new Health(this.#cluster, (at) => this.#supervisor.lost.has(at));
    const quorums = new Quorums({
      brokers: this.#cluster.brokers,
      fitSinceMs: (machines) => health.fitSinceMs(machines),
      upSinceMs: (machines) => health.upSinceMs(machines),
      isDiskLost: (at) => this.#supervisor.lost.has(at),
      logEnd: (at, group) => this.#watch.durableLog(at)?.end(group) ?? null,
    });
    const coordinators = new CoordinatorWatch(this.#cluster, this.#book);
    this.#traffic = new Traffic(this.#cluster, this.#book, coordinators, plan);
    const factor = Math.min(plan.factor, 3);
    this.#supervisor.struck = (at) => this.#forgiveSingles(at);
    this.#administrators = new Administrators(this.#cluster, this.#book.once, factor);
    this.#ending = new Ending(
      this.#cluster,
      this.#book,
      health,
      quorums,
      this.#supervisor,
      this.#traffic,
      coordinators,
      this.#watch.leases,
    );
    new FatalWatch(this.#cluster, this.#verdict, (at) => this.#supervisor.lost.has(at));
    if (print !== undefined) simulation.logs.print = (entry) => print(logLine(entry));
    simulation.scheduler.tracer = () => this.#watch.settle();
  }

  async run(): Promise<RunReport> {
    const before = process.cpuUsage();
    let isOver = false;
    void this.#script().then(() => {
      isOver = true;
    });
    const stop = (): boolean => isOver || this.#verdict.failed;
    try {
      const limits = { untilUs: RUN_MS_MAX * 1000, eventsMax: EVENTS_MAX };
      const end = await this.#simulation.run({ ...limits, until: stop });
      if (end !== "until") {
        this.#verdict.report("writes resume", `the run ended by ${end}: ${this.#ending.phase}`);
      }
    } catch (error) {
      this.escaped(error);
    }
    const { user, system } = process.cpuUsage(before);
    return this.#report(user + system);
  }

  /** An exception that nothing caught, from wherever: an assertion, for example. */
  escaped(reason: unknown): void {
    const cause = reason instanceof Error ? (reason.cause ?? reason) : reason;
    const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    const head = reason instanceof Error && reason.cause !== undefined ? `${reason.message}\n` : "";
    this.#verdict.report("assertions hold", `${head}${stack}`);
  }

  async #script(): Promise<void> {
    const { nowMs } = this.#simulation;
    this.#cluster.startAll();
    while (!this.#cluster.isReady) {
      await this.#simulation.sleepMs(20);
      if (this.#simulation.nowMs - nowMs < BOOT_MS_MAX) continue;
      return this.#verdict.report("groups have leaders", "the cluster is not founded");
    }
    if (!(await this.#traffic.open())) {
      return this.#verdict.report("groups have leaders", "the topic is not created");
    }
    this.#ending.watchLeaders(() => {
      this.#states.look();
      // What is wrong on a disk may be found later, and by a replica that came later.
      for (const at of this.#supervisor.spoiled) this.#forgiveSingles(at);
    });
    this.#traffic.start();
    this.#administrators.start(this.#plan.administrators);
    await this.#nemesis.run(this.#plan.faultMs);
    this.#nemesis.calm();
    this.#supervisor.calm();
    await this.#administrators.stop();
    if (this.#plan.sizes.journalBytesMax < SMALL_SIZES.journalBytesMax) this.#giveRoom();
    await this.#ending.run();
  }

  /** A disk is about to lose something of the only copy of what it holds. */
  #forgiveSingles(at: SimBroker): void {
    for (const { group } of this.#traffic.singles) {
      const isDurable = this.#watch.durableLog(at)?.group(group) != null;
      if (isDurable || at.broker?.raft.replica(group) != null) this.#book.forgive(group);
    }
  }

  /** Nothing leaves a full journal by itself, so an operator allows more, for writes to resume. */
  #giveRoom(): void {
    for (const at of this.#cluster.brokers) {
      at.reconfigure({}, { journalBytesMax: SMALL_SIZES.journalBytesMax });
      at.crash("kill");
    }
  }

  #report(cpuUs: number): RunReport {
    const { totals } = { totals: this.#totals };
    const { scheduler } = this.#simulation;
    Object.assign(totals, this.#states.counts);
    totals.seeds = 1;
    totals.simulatedMs = this.#simulation.nowMs;
    totals.events = scheduler.events;
    totals.faults = this.#nemesis.done.length;
    totals.elections = this.#book.leaders.elections;
    totals.acknowledged = this.#book.sent.acknowledged;
    totals.served = this.#book.reads.batches;
    totals.ownRecords = this.#traffic.ownReader?.records ?? 0;
    const { groups } = this.#book;
    totals.coordinators = groups.leaderships;
    const rooms = this.#simulation.logs.find("journal-room");
    totals.fullJournals = rooms.filter(({ fields }) => fields["room"] !== "ok").length;
    totals.changes = this.#book.once.changes;
    totals.generations = groups.generations;
    totals.commits = groups.sent.acknowledged;
    totals.offsetsRead = groups.fetched;
    totals.zombies = groups.sent.zombiesRefused;
    return {
      seed: this.#options.seed,
      findings: this.#verdict.findings,
      totals,
      digest: this.#simulation.digest(),
      plan: this.#plan,
      schedule: this.#nemesis.done,
      cpuUs,
    };
  }
}

function clusterOf(
  simulation: Simulation,
  plan: Plan,
  faults: BrokerFaults | undefined,
): SimCluster {
  const { appendEntriesMax, inflightMax } = plan;
  const cluster = new SimCluster(simulation, {
    brokers: plan.brokers,
    settings: plan.settings,
    sizes: plan.sizes,
    faults: { ...faults, limits: { appendEntriesMax, inflightMax } },
  });
  const drift = simulation.entropy("drift");
  for (const { node } of cluster.brokers) {
    node.wall.rate = 1 + drift.between(-plan.driftPermilleMax, plan.driftPermilleMax) / 1000;
  }
  if (plan.slowDisk > 0) {
    const { disk } = cluster.at(plan.slowDisk).node;
    const journal = { minUs: 3_000, maxUs: 30_000, tailPermille: 50, tailUsMax: 250_000 };
    disk.options = { ...disk.options, journal };
  }
  return cluster;
}
