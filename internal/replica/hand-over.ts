// Handing leaderships of this broker over, for whatever reason: who could take a group, one transfer at a time per group, how
// it ended, and all of them at once when the broker drains. Whether a transfer succeeds is the machines' business; what
// is decided here is only whom to ask, and when not to.
import type { BrokerId, ReplicaId, Term } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Peer } from "./peer.ts";
import type { ReplicaProbe, TransferReason } from "./probe.ts";
import type { Replica } from "./replica.ts";

/** Why a replica should not be given the leadership now. */
export type Unfitness =
  | "not-leader"
  /** Leadership is being handed to somebody already. */
  | "transferring"
  /** The group's configuration is changing, or it is not the one that the controller wants. */
  | "changing"
  | "not-a-voter"
  | "unreachable"
  | "not-in-sync"
  /** It has not acknowledged what one append frame could bring it. */
  | "behind"
  /** Its journal is slow (L4). */
  | "stalled";

export interface HandOverPorts {
  readonly clock: Clock;
  readonly probe: ReplicaProbe;
  /** `journal.stall.transfer.ms`. */
  readonly stallMs: number;
  peerOf(replica: Replica, member: ReplicaId): Peer | null;
  inSync(replica: Replica): readonly BrokerId[];
  touch(): void;
}

interface Pending {
  readonly to: ReplicaId;
  readonly term: Term;
  readonly cancel: Cancel;
  readonly ended: (moved: boolean) => void;
}

const TRANSFER_MS_MAX = 1_000;
/** Entries that a transfer may have to wait for: as many as one append frame brings. */
const BEHIND_ENTRIES_MAX = 256;
/** Leaderships under way at once while the broker drains. */
const DRAIN_AT_ONCE = 256;
const DRAIN_TICK_MS = 10;
/** A group that nobody took is offered again after this long. */
const DRAIN_RETRY_MS = 100;

export class HandOvers {
  readonly #ports: HandOverPorts;
  readonly #pending = new Map<Replica, Pending>();
  #isDraining = false;
  #isClosed = false;

  constructor(ports: HandOverPorts) {
    this.#ports = ports;
  }

  /** From now on this broker neither campaigns nor takes leaderships. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Null: the member could lead the group if it were asked now. */
  unfitness(replica: Replica, to: ReplicaId): Unfitness | null {
    const { machine } = replica;
    if (!replica.serves) return "not-leader";
    if (machine.transferTarget !== null) return "transferring";
    const { voters, votersOutgoing } = machine.configuration;
    if (!machine.configurationCommitted || votersOutgoing.length > 0) return "changing";
    if (!voters.includes(to)) return "not-a-voter";
    const peer = this.#ports.peerOf(replica, to);
    if (peer === null) return "unreachable";
    const broker = replica.member(to)?.broker;
    if (broker === undefined || !this.#ports.inSync(replica).includes(broker)) return "not-in-sync";
    if (machine.lastIndex - machine.match(to) > BEHIND_ENTRIES_MAX) return "behind";
    return this.#isStalled(replica, to) ? "stalled" : null;
  }

  #isStalled(replica: Replica, member: ReplicaId): boolean {
    return (this.#ports.peerOf(replica, member)?.oldestWriteAgeMs ?? 0) > this.#ports.stallMs;
  }

  /** Hands leadership over; `ended` runs once, later, and says whether it moved. */
  transfer(
    replica: Replica,
    to: ReplicaId,
    reason: TransferReason,
    ended: (moved: boolean) => void = () => {},
  ): void {
    const { clock, probe } = this.#ports;
    if (!replica.leads || this.#pending.has(replica)) return clock.turnEnd(() => ended(false));
    const { term } = replica.machine;
    probe.transferBegan(reason);
    const cancel = clock.after(TRANSFER_MS_MAX, () => {
      if (replica.leads && replica.machine.term === term) {
        replica.handle({ on: "transfer-timeout" });
      }
      this.#end(replica, false);
    });
    this.#pending.set(replica, { to, term, cancel, ended });
    replica.handle({ on: "transfer", to });
    this.#ports.touch();
  }

  /** The machine gave a transfer up. In the middle of a step: nothing is stepped here. */
  failed(replica: Replica, to: ReplicaId): void {
    if (this.#pending.get(replica)?.to !== to) return;
    this.#ports.clock.turnEnd(() => this.#end(replica, false));
  }

  /** After a change of role, outside of any step. */
  roleChanged(replica: Replica): void {
    const pending = this.#pending.get(replica);
    if (pending === undefined) return;
    const hasMoved = !replica.leads && replica.machine.term > pending.term;
    if (hasMoved || !replica.leads) this.#end(replica, hasMoved);
  }

  #end(replica: Replica, moved: boolean): void {
    const pending = this.#pending.get(replica);
    if (pending === undefined) return;
    this.#pending.delete(replica);
    pending.cancel();
    if (!moved) this.#ports.probe.transferFailed();
    pending.ended(moved);
  }

  /** Hands a group to whoever is best placed among those that `mayLead` allows. False: there is nobody. */
  away(
    replica: Replica,
    reason: TransferReason,
    mayLead: (broker: BrokerId) => boolean = () => true,
  ): boolean {
    const to = this.#fit(replica, mayLead) ?? this.#furthest(replica, mayLead);
    if (to === null || replica.machine.transferTarget !== null) return false;
    this.transfer(replica, to, reason);
    return true;
  }

  /** The first that could take it at once: ids of replicas ascend as placements name them, which spreads them fairly. */
  #fit(replica: Replica, mayLead: (broker: BrokerId) => boolean): ReplicaId | null {
    return (
      this.#others(replica, mayLead).find((id) => this.unfitness(replica, id) === null) ?? null
    );
  }

  #furthest(replica: Replica, mayLead: (broker: BrokerId) => boolean): ReplicaId | null {
    const { machine } = replica;
    let best: ReplicaId | null = null;
    for (const id of this.#others(replica, mayLead)) {
      // Once it is told, this leader's term is over, and it could not begin its own.
      if (this.#isStalled(replica, id)) continue;
      if (best === null || machine.match(id) > machine.match(best)) best = id;
    }
    return best;
  }

  #others(replica: Replica, mayLead: (broker: BrokerId) => boolean): readonly ReplicaId[] {
    return replica.machine.configuration.voters.filter((voter) => {
      const broker = replica.member(voter)?.broker;
      if (voter === replica.self || broker === undefined || !mayLead(broker)) return false;
      return this.#ports.peerOf(replica, voter) !== null;
    });
  }

  /** This broker takes no leadership any more, whoever offers it. */
  beginDraining(): void {
    this.#isDraining = true;
  }

  /**
   * Hands over every leadership that somebody can take, the ready ones first, the last groups when their followers have
   * caught up. Resolves when nobody can take what is left, or after `withinMs`.
   */
  async drain(
    replicas: () => Iterable<Replica>,
    withinMs: number,
    mayLead: (broker: BrokerId) => boolean,
  ): Promise<void> {
    this.beginDraining();
    const { clock } = this.#ports;
    const untilMs = clock.upMs() + withinMs;
    const triedMs = new Map<Replica, number>();
    while (!this.#isClosed && clock.upMs() < untilMs) {
      let isHope = false;
      for (const replica of [...replicas()]) {
        if (!replica.leads || this.#others(replica, mayLead).length === 0) continue;
        isHope = true;
        if (this.#pending.size >= DRAIN_AT_ONCE) break;
        if (this.#pending.has(replica)) continue;
        const nowMs = clock.upMs();
        if (nowMs - (triedMs.get(replica) ?? -Infinity) < DRAIN_RETRY_MS) continue;
        const to = this.#fit(replica, mayLead);
        if (to === null) continue;
        triedMs.set(replica, nowMs);
        this.transfer(replica, to, "drain");
      }
      if (!isHope) return;
      await new Promise<void>((wake) => clock.after(DRAIN_TICK_MS, wake));
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { cancel } of this.#pending.values()) cancel();
    this.#pending.clear();
  }
}
