// How a broker makes itself known: it registers its incarnation with the controller at its start, and again whenever the
// image shows something else in its place (a restored controller, a removal). The image says when it is registered and
// when it may serve; an answer to the request says only whether it was refused.
//
//   stopped --start--> asking --the image shows this incarnation--> registered --the image shows another--> asking
//                        '--refused, no answer--> (pause) asking
import type { ClusterId } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { ControllerClient, ControllerFault } from "./controller-requests.ts";
import type { MetadataImage } from "./image.ts";
import type { BrokerRegistration } from "./records.ts";

export interface RegistrationPorts {
  readonly clock: Clock;
  readonly image: MetadataImage;
  readonly client: ControllerClient;
}

export interface RegistrationEvents {
  /** The image lists this incarnation. */
  registered?(): void;
  /** The broker may serve; or (true) no longer. Once per change. */
  fenced?(fenced: boolean): void;
  /**
   * The controller refuses this broker: another directory with its id is alive, it belongs to another cluster, or its
   * data directory was copied from a later start. It goes on asking; whoever listens may end the broker.
   */
  refused(fault: ControllerFault): void;
}

const ANSWER_MS_MAX = 2_000;
const PAUSE_MS = 500;

export class Registration {
  readonly #ports: RegistrationPorts;
  readonly #self: BrokerRegistration;
  readonly #clusterId: ClusterId;
  readonly #events: RegistrationEvents;
  #endListening: (() => void) | null = null;
  #isAsking = false;
  #cancelPause: Cancel | null = null;
  #wasRegistered = false;
  #wasFenced = true;

  constructor(
    ports: RegistrationPorts,
    self: BrokerRegistration,
    clusterId: ClusterId,
    events: RegistrationEvents,
  ) {
    this.#ports = ports;
    this.#self = self;
    this.#clusterId = clusterId;
    this.#events = events;
  }

  start(): void {
    if (this.#endListening !== null) return;
    this.#endListening = this.#ports.image.listen({ advanced: () => this.#look() });
    this.#look();
  }

  stop(): void {
    this.#endListening?.();
    this.#endListening = null;
    this.#cancelPause?.();
    this.#cancelPause = null;
  }

  /** Whether the image lists this incarnation. */
  get isRegistered(): boolean {
    const known = this.#ports.image.broker(this.#self.broker);
    const { directory, incarnation } = this.#self;
    return known?.directory === directory && known.incarnation === incarnation;
  }

  #look(): void {
    const isRegistered = this.isRegistered;
    if (isRegistered && !this.#wasRegistered) this.#events.registered?.();
    this.#wasRegistered = isRegistered;
    const fenced = !isRegistered || this.#ports.image.broker(this.#self.broker)!.fenced;
    if (fenced !== this.#wasFenced) {
      this.#wasFenced = fenced;
      this.#events.fenced?.(fenced);
    }
    if (!isRegistered && !this.#isAsking && this.#cancelPause === null) this.#ask();
  }

  #ask(): void {
    this.#isAsking = true;
    const request = { kind: "register-broker", ...this.#self, clusterId: this.#clusterId } as const;
    void this.#ports.client.request<"register-broker">(request, ANSWER_MS_MAX).then((outcome) => {
      this.#isAsking = false;
      if (this.#endListening === null) return;
      if (!outcome.ok && REFUSALS.has(outcome.fault.kind)) this.#events.refused(outcome.fault);
      // The record may have reached the log and not yet this image: look again after a while.
      this.#cancelPause = this.#ports.clock.after(PAUSE_MS, () => {
        this.#cancelPause = null;
        this.#look();
      });
    });
  }
}

const REFUSALS: ReadonlySet<string> = new Set<ControllerFault["kind"]>([
  "duplicate-broker",
  "wrong-cluster",
  "stale-incarnation",
  "invalid-request",
]);
