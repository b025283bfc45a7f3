// Which brokers count as alive (C2): decided in one place, by the broker that leads group 0, and recorded there per
// broker incarnation. A broker is fenced when it was silent for a number of observed ticks (a pause of this
// process adds one tick, however long it was: L3), or at once when its link shows a later incarnation than the
// registered one; it is unfenced when its registered incarnation was in contact for a number of ticks and has applied
// the image that knows its registration. An incarnation that is draining is not unfenced again. The two limits differ, so a broker at the edge does not flap.
//
//   fenced --contact for unfenceAfterMs, image applied--> unfenced --silent for fenceAfterMs--> fenced
import type { BrokerId, DirectoryId, Incarnation, LogIndex } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Broker } from "./cluster-state.ts";
import type { ControllerAnswer } from "./controller-desk.ts";
import type { ControllerRequest } from "./controller-requests.ts";
import type { MetadataImage } from "./image.ts";

/** A process of a broker. Incarnations of two directories say nothing about each other. */
export interface Contact {
  readonly directory: DirectoryId;
  readonly incarnation: Incarnation;
}

export interface FencingPorts {
  readonly clock: Clock;
  readonly image: MetadataImage;
  /** Who a broker's link shows now; null: silent, or never met. The own broker: itself. */
  contact(broker: BrokerId): Contact | null;
  /** The version that a broker said it has applied; see TopicReadiness. */
  appliedBy(broker: BrokerId): LogIndex;
  /** The own desk. */
  ask(request: ControllerRequest, answer: ControllerAnswer): void;
}

export interface FencingSettings {
  /** Between two looks at all brokers. */
  readonly tickMs: number;
  /** Beyond the silence that the links wait for themselves. */
  readonly fenceAfterMs: number;
  readonly unfenceAfterMs: number;
}

export const FENCING_SETTINGS: FencingSettings = {
  tickMs: 100,
  fenceAfterMs: 1_000,
  unfenceAfterMs: 200,
};

/** Replicas of a replaced directory that get new ids in one log entry. */
const REPLACED_AT_ONCE = 200;

interface Watch {
  incarnation: Incarnation;
  directory: DirectoryId;
  /** Ticks in a row. One of the two is 0. */
  silentTicks: number;
  contactTicks: number;
  /** The image at the first look at this incarnation: what it must have applied before it is unfenced. */
  readonly seenAt: LogIndex;
  /** A command about this broker waits for its answer. */
  isAsking: boolean;
  /** Its directory may be new, with replicas still placed in an old one. */
  mayHaveLost: boolean;
}

export class Fencing {
  readonly #ports: FencingPorts;
  readonly #settings: FencingSettings;
  readonly #watches = new Map<BrokerId, Watch>();
  #cancelTick: Cancel | null = null;

  constructor(ports: FencingPorts, settings: FencingSettings = FENCING_SETTINGS) {
    this.#ports = ports;
    this.#settings = settings;
  }

  /** This broker leads group 0 from now on. It knows nothing of earlier silence: all counts start anew. */
  lead(): void {
    this.resign();
    this.#schedule();
  }

  resign(): void {
    this.#cancelTick?.();
    this.#cancelTick = null;
    this.#watches.clear();
  }

  #schedule(): void {
    this.#cancelTick = this.#ports.clock.after(this.#settings.tickMs, () => {
      this.#schedule();
      this.#tick();
    });
  }

  #tick(): void {
    for (const broker of this.#ports.image.brokers()) {
      const watch = this.#watch(broker);
      const shown = this.#ports.contact(broker.broker);
      const isDirectory = shown?.directory === broker.directory;
      const isHere = isDirectory && shown.incarnation === broker.incarnation;
      watch.contactTicks = isHere ? watch.contactTicks + 1 : 0;
      watch.silentTicks = isHere ? 0 : watch.silentTicks + 1;
      if (watch.isAsking) continue;
      const isReplaced = isDirectory && shown.incarnation > broker.incarnation;
      if (!broker.fenced && (isReplaced || this.#wasSilent(watch))) this.#fence(broker, watch);
      else if (broker.fenced && !broker.draining && this.#isBack(broker, watch)) {
        this.#unfence(broker, watch);
      } else if (!broker.fenced && isHere && watch.mayHaveLost) this.#replace(broker, watch);
    }
    for (const broker of this.#watches.keys()) {
      if (this.#ports.image.broker(broker) === null) this.#watches.delete(broker);
    }
  }

  #watch({ broker, incarnation, directory }: Broker): Watch {
    const known = this.#watches.get(broker);
    if (known?.incarnation === incarnation && known.directory === directory) return known;
    const watch: Watch = {
      incarnation,
      directory,
      silentTicks: 0,
      contactTicks: 0,
      seenAt: this.#ports.image.version,
      isAsking: false,
      mayHaveLost: true,
    };
    this.#watches.set(broker, watch);
    return watch;
  }

  #wasSilent(watch: Watch): boolean {
    return watch.silentTicks * this.#settings.tickMs >= this.#settings.fenceAfterMs;
  }

  #isBack({ broker }: Broker, watch: Watch): boolean {
    const isSteady = watch.contactTicks * this.#settings.tickMs >= this.#settings.unfenceAfterMs;
    return isSteady && this.#ports.appliedBy(broker) >= watch.seenAt;
  }

  #fence({ broker, incarnation }: Broker, watch: Watch): void {
    this.#ask({ kind: "fence-broker", broker, incarnation }, watch);
  }

  #unfence({ broker, incarnation }: Broker, watch: Watch): void {
    this.#ask({ kind: "unfence-broker", broker, incarnation }, watch);
  }

  #replace({ broker, directory }: Broker, watch: Watch): void {
    const countMax = REPLACED_AT_ONCE;
    this.#ask({ kind: "replace-directory", broker, directory, countMax }, watch);
  }

  /** A refusal needs no care: the next tick looks at what is recorded then. */
  #ask(request: ControllerRequest, watch: Watch): void {
    watch.isAsking = true;
    this.#ports.ask(request, (outcome) => {
      watch.isAsking = false;
      if (!outcome.ok || outcome.value.kind !== "replace-directory") return;
      watch.mayHaveLost = outcome.value.replaced > 0;
    });
  }
}
