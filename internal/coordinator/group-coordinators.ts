// The coordinators of this broker: one for each replica of a partition of __consumer_offsets that lives here, leader or
// not, so that whoever is elected has the groups loaded already.
import type { SharedJournal } from "../journal/owner.ts";
import type { GroupId } from "../model/ids.ts";
import type { Partition } from "../partition/partition.ts";
import type { World } from "../ports/world.ts";
import { PartitionCommandLog } from "../statelog/partition-command-log.ts";
import { GroupCoordinator } from "./group-coordinator.ts";
import type { CoordinatorSettings } from "./group-coordinator.ts";
import type { GroupFaults } from "./group-faults.ts";
import type { GroupFault } from "./group-requests.ts";
import { SubscribedTopics } from "./subscribed-topics.ts";
import { TimerWheel } from "./timer-wheel.ts";
import type { TopicCatalog } from "./topic-catalog.ts";

export interface CoordinatorsSettings extends CoordinatorSettings {
  readonly groupsMax: number;
}

export interface CoordinatorsEvents {
  /** A coordinator is there, and has applied nothing yet. */
  hosted(index: number, partition: Partition, coordinator: GroupCoordinator): void;
}

interface Hosted {
  readonly partition: Partition;
  readonly log: PartitionCommandLog;
  readonly coordinator: GroupCoordinator;
  /** Requests that came while leadership was not settled. */
  readonly waiting: (() => void)[];
}

export class GroupCoordinators {
  readonly #world: World;
  readonly #journal: SharedJournal;
  readonly #settings: CoordinatorsSettings;
  readonly #faults: GroupFaults | undefined;
  readonly #wheel: TimerWheel;
  readonly #subscribed: SubscribedTopics;
  readonly #hosted = new Map<number, Hosted>();
  readonly #listeners: CoordinatorsEvents[] = [];

  constructor(
    world: World,
    journal: SharedJournal,
    catalog: TopicCatalog,
    settings: CoordinatorsSettings,
    faults?: GroupFaults,
  ) {
    this.#world = world;
    this.#journal = journal;
    this.#settings = settings;
    this.#faults = faults;
    this.#wheel = new TimerWheel(world.clock);
    this.#subscribed = new SubscribedTopics(catalog);
  }

  listen(events: CoordinatorsEvents): void {
    this.#listeners.push(events);
  }

  /** A replica of partition `index` lives here from now on. Telling it again changes nothing. */
  hosted(index: number, partition: Partition): void {
    const known = this.#hosted.get(index);
    if (known?.partition === partition) return;
    known?.log.close();
    const log = new PartitionCommandLog(partition, this.#journal, this.#world);
    const coordinator = new GroupCoordinator(
      log,
      this.#surroundings(index, partition),
      this.#faults,
    );
    this.#hosted.set(index, { partition, log, coordinator, waiting: [] });
    for (const listener of this.#listeners) listener.hosted(index, partition, coordinator);
    log.start();
  }

  #surroundings(index: number, partition: Partition) {
    const { clock, entropy } = this.#world;
    return {
      clock,
      entropy,
      wheel: this.#wheel,
      settings: this.#settings,
      subscribed: this.#subscribed,
      refusal: () => refusalOf(partition),
      hasRoom: () => this.#hasRoom(),
      undecodable: (at: number, detail: string) =>
        this.#world.fatal("group-record-undecodable", { partition: index, at, detail }),
    };
  }

  #hasRoom(): boolean {
    let groups = 0;
    for (const { coordinator, partition } of this.#hosted.values()) {
      if (partition.leads) groups += coordinator.groupCount;
    }
    return groups < this.#settings.groupsMax;
  }

  /** The replica of a group of replicas has left this broker. */
  dropped(group: GroupId): void {
    for (const [index, { partition, log }] of this.#hosted) {
      if (partition.group !== group) continue;
      log.close();
      this.#hosted.delete(index);
    }
  }

  /** Null: this broker has no replica of the partition. */
  at(index: number): GroupCoordinator | null {
    return this.#hosted.get(index)?.coordinator ?? null;
  }

  /**
   * Runs `then` at once, unless the partition's leadership is just beginning (F7) or being handed over: then as soon as that is
   * decided, in the order of the calls, and after `withinMs` at the latest. Clients need not hear of such moments.
   */
  whenSettled(index: number, withinMs: number, then: () => void): void {
    const hosted = this.#hosted.get(index);
    if (hosted === undefined) return then();
    if (hosted.waiting.length === 0 && isSettled(hosted.partition)) return then();
    hosted.waiting.push(then);
    if (hosted.waiting.length > 1) return;
    const { clock } = this.#world;
    const goOn = (): void => {
      unwatch();
      cancel();
      for (const next of hosted.waiting.splice(0)) next();
    };
    const unwatch = hosted.partition.watch(() => {
      // Not inside a step of the machine that is told of: what waits may want to propose.
      if (isSettled(hosted.partition)) clock.turnEnd(goOn);
    });
    const cancel = clock.after(withinMs, goOn);
  }

  *leading(): Iterable<GroupCoordinator> {
    for (const { partition, coordinator } of this.#hosted.values()) {
      if (partition.leads) yield coordinator;
    }
  }

  /** A topic has come, gone or grown: consumer groups get new targets. */
  topicsChanged(): void {
    this.#subscribed.changed();
  }

  topicDeleted(topic: string): void {
    for (const coordinator of this.leading()) coordinator.forgetTopic(topic);
  }

  close(): void {
    for (const { log } of this.#hosted.values()) log.close();
    this.#hosted.clear();
    this.#wheel.close();
  }
}

function isSettled({ leads, replica }: Partition): boolean {
  return !leads || (replica.serves && replica.machine.transferTarget === null);
}

function refusalOf(partition: Partition): GroupFault | null {
  if (!partition.leads) return "not-coordinator";
  if (!partition.replica.serves) return "coordinator-loading";
  return partition.mayServe ? null : "not-coordinator"; // L5
}
