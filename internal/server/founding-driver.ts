// Carries out what the founding machine decides (C1): makes each state durable before it is said to the peers, and hands
// over to group 0 when the founding is complete, or to the cluster that a peer belongs to.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import { decideFounding, listHash } from "../cluster/founding.ts";
import type {
  FoundingConfiguration,
  FoundingHello,
  FoundingSelf,
  FoundingState,
} from "../cluster/founding.ts";
import { decodeFounding, encodeFounding } from "../cluster/founding-codec.ts";
import { showAddress } from "../config/addresses.ts";
import type { InitialBroker } from "../config/addresses.ts";
import type { BrokerId, ClusterId, DirectoryId } from "../model/ids.ts";
import type { DiskFault } from "../ports/disk.ts";
import type { World } from "../ports/world.ts";
import type { PeerIdentity } from "../transport/contract.ts";

export interface FoundingEvents {
  /** Say this state in hellos from now on. */
  say(state: Uint8Array): void;
  /** Group 0 exists with this first configuration. */
  activate(configuration: FoundingConfiguration): void;
  /** This directory belongs to a cluster. */
  joined(clusterId: ClusterId): void;
}

const FILE = "founding";

export class FoundingDriver {
  readonly #world: World;
  readonly #path: string;
  readonly #self: Omit<FoundingSelf, "state">;
  readonly #events: FoundingEvents;
  #state: FoundingState;
  #peers = new Map<BrokerId, PeerIdentity>();
  #isBusy = false;
  #isWanted = false;
  #said = "";

  private constructor(
    world: World,
    path: string,
    self: Omit<FoundingSelf, "state">,
    state: FoundingState,
    events: FoundingEvents,
  ) {
    this.#world = world;
    this.#path = path;
    this.#self = self;
    this.#state = state;
    this.#events = events;
  }

  static async open(
    world: World,
    dataDirectory: string,
    broker: BrokerId,
    directory: DirectoryId,
    initialBrokers: readonly InitialBroker[],
    clusterId: ClusterId | null,
    events: FoundingEvents,
  ): Promise<Result<FoundingDriver, DiskFault | { readonly kind: "founding-file" }>> {
    const path = `${dataDirectory}/${FILE}`;
    const list = initialBrokers.map(({ id, address }) => ({
      broker: id,
      at: showAddress(address),
    }));
    const ids = initialBrokers.map(({ id }) => id);
    const self = { broker, directory, listHash: listHash(list), initialBrokers: ids };
    const bytes = await world.disk.bulk.readWhole(path);
    let state: FoundingState = { phase: "empty" };
    if (bytes.ok) {
      const decoded = decodeFounding(bytes.value);
      if (decoded === null) return failed({ kind: "founding-file" });
      state = decoded.state;
    } else if (bytes.fault.code !== "ENOENT") return bytes;
    // The directory's identity may have learnt the cluster id just before a crash.
    if (clusterId !== null && state.phase !== "member") {
      const configuration = state.phase === "founding" ? state.configuration : null;
      state = { phase: "member", clusterId, configuration };
    }
    return ok(new FoundingDriver(world, path, self, state, events));
  }

  /** Begins; what is durable already takes effect at once. */
  start(): void {
    this.#events.say(this.#encoded());
    const { phase } = this.#state;
    if (phase === "founding" && this.#state.complete)
      this.#events.activate(this.#state.configuration);
    if (phase === "member") this.#events.joined(this.#state.clusterId);
    this.#decide();
  }

  /** Who is linked now, with what they say. */
  peerIs(peer: PeerIdentity): void {
    this.#peers.set(peer.broker, peer);
    this.#decide();
  }

  peerGone(broker: BrokerId): void {
    this.#peers.delete(broker);
  }

  /** Group 0 has recorded the cluster's id. */
  async recorded(clusterId: ClusterId): Promise<void> {
    if (this.#state.phase === "member") return;
    const configuration = this.#state.phase === "founding" ? this.#state.configuration : null;
    await this.#keep({ phase: "member", clusterId, configuration });
  }

  #encoded(): Uint8Array {
    return encodeFounding({ listHash: this.#self.listHash, state: this.#state });
  }

  #hellos(): FoundingHello[] {
    const hellos: FoundingHello[] = [];
    for (const { broker, directory, foundingState } of this.#peers.values()) {
      const decoded = decodeFounding(foundingState);
      if (decoded !== null) hellos.push({ broker, directory, ...decoded });
    }
    return hellos;
  }

  #decide(): void {
    this.#isWanted = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#carryOut().finally(() => {
      this.#isBusy = false;
      if (this.#isWanted) this.#decide();
    });
  }

  async #carryOut(): Promise<void> {
    this.#isWanted = false;
    const decision = decideFounding({ ...this.#self, state: this.#state }, this.#hellos());
    switch (decision.decide) {
      case "settled":
        return;
      case "wait":
        return this.#tell("founding-waits", { for: decision.for, missing: decision.missing });
      case "refuse":
        return this.#tell("founding-refused", { why: decision.why, broker: decision.broker });
      case "found":
      case "adopt":
      case "activate":
      case "join": {
        if (!(await this.#keep(decision.state))) return;
        this.#isWanted = true;
        if (decision.state.phase === "member") this.#events.joined(decision.state.clusterId);
        if (decision.decide === "activate" && decision.state.phase === "founding") {
          this.#events.activate(decision.state.configuration);
        }
        return;
      }
    }
  }

  /** Durable first, said afterwards. */
  async #keep(state: FoundingState): Promise<boolean> {
    const bytes = encodeFounding({ listHash: this.#self.listHash, state });
    const kept = await this.#world.disk.bulk.replaceWhole(this.#path, bytes);
    if (!kept.ok) {
      this.#world.fatal("founding-state-not-durable", kept.fault);
      return false;
    }
    this.#state = state;
    this.#world.log.info({ phase: state.phase }, "founding");
    this.#events.say(bytes);
    return true;
  }

  #tell(event: string, fields: Readonly<Record<string, unknown>>): void {
    const text = `${event} ${JSON.stringify(fields)}`;
    if (text === this.#said) return;
    this.#said = text;
    if (event === "founding-refused") this.#world.log.error(fields, event);
    else this.#world.log.info(fields, event);
  }
}
