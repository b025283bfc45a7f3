// The listeners for clients, over one broker's services. HTTP answers at once, so that a machine can ask whether the
// broker lives and what it waits for; Kafka and gRPC accept clients as soon as the broker is ready, because before that
// they could only refuse. A listener on port 0 is bound at once: its port must be known before the broker tells others.
import type { Result } from "../base/result.ts";
import { ok } from "../base/result.ts";
import type { Address } from "../config/addresses.ts";
import { GrpcServer } from "../grpc/server.ts";
import type { Readiness } from "../http/pages.ts";
import { HttpServer } from "../http/server.ts";
import { kafkaOptions } from "../kafka/options.ts";
import { KafkaServer } from "../kafka/server.ts";
import type { World } from "../ports/world.ts";
import type { BoundSettings, ListenerSetting } from "./bound-settings.ts";
import { readinessOf, statusOf } from "./broker-status.ts";
import type { Broker } from "./broker.ts";

export interface ListenFault {
  readonly kind: "listen";
  readonly code: string;
  readonly at: Address;
}

/** What serves one protocol. */
export interface FrontEnd {
  listen(at: Address): Promise<Result<{ readonly address: Address }, ListenFault>>;
  /** Stops accepting, answers what is under way, and closes. */
  drain(withinMs: number): Promise<void>;
  /** Closes everything at once. Idempotent. */
  close(): Promise<void>;
}

interface Door {
  readonly setting: ListenerSetting;
  readonly frontEnd: FrontEnd;
  /** Whether it serves before the broker is ready. */
  readonly isEarly: boolean;
}

const KAFKA_LISTENER = "kafka";
const LINGER_LOOK_MS = 50;

export class FrontEnds {
  readonly #settings: BoundSettings;
  readonly #doors: readonly Door[];
  readonly #open = new Set<Door>();
  readonly #grpc: GrpcServer;
  readonly #kafka: KafkaServer;
  readonly #world: World;
  /** Whether clients of the data path are accepted. */
  #isOpen = false;

  constructor(world: World, broker: Broker, settings: BoundSettings) {
    this.#settings = settings;
    this.#world = world;
    const options = kafkaOptions(broker.settings, KAFKA_LISTENER);
    const kafka = new KafkaServer(world, broker.services, options);
    this.#kafka = kafka;
    const readiness = (): Readiness => readinessOf(broker, this.#isOpen);
    const isReady = (): boolean => readiness().isReady;
    this.#grpc = new GrpcServer(world, broker.services, { ready: isReady });
    const http = new HttpServer(world, {
      ready: readiness,
      status: () => statusOf(broker, settings, isReady()),
    });
    this.#doors = [
      { setting: "http.listen", frontEnd: http, isEarly: true },
      { setting: "kafka.listen", frontEnd: kafka, isEarly: false },
      { setting: "grpc.listen", frontEnd: this.#grpc, isEarly: false },
    ];
  }

  /** Before the broker starts: HTTP, and whatever needs to learn its port. */
  async openEarly(): Promise<Result<null, ListenFault>> {
    return this.#openAll(
      this.#doors.filter(
        ({ setting, isEarly }) => isEarly || this.#settings.get(setting).port === 0,
      ),
    );
  }

  /** Everything else, when the broker is ready. */
  async openRest(): Promise<Result<null, ListenFault>> {
    const opened = await this.#openAll(this.#doors.filter((door) => !this.#open.has(door)));
    this.#isOpen = opened.ok;
    this.#grpc.readinessChanged();
    return opened;
  }

  async #openAll(doors: readonly Door[]): Promise<Result<null, ListenFault>> {
    for (const door of doors) {
      const listening = await door.frontEnd.listen(this.#settings.get(door.setting));
      if (!listening.ok) return listening;
      this.#settings.bind(door.setting, listening.value.address.port);
      this.#open.add(door);
    }
    return ok(null);
  }

  /** Those who watch over gRPC are told at once that the broker is ready, or no longer. */
  readinessChanged(): void {
    this.#grpc.readinessChanged();
  }

  /** Goes on serving, so that clients learn in words where to go; ends early when all Kafka clients have gone. */
  async linger(withinMs: number): Promise<void> {
    const { clock } = this.#world;
    const untilMs = clock.upMs() + withinMs;
    while (this.#kafka.connectionCount > 0 && clock.upMs() < untilMs) {
      await new Promise<void>((wake) => clock.after(LINGER_LOOK_MS, wake));
    }
  }

  /** Lets clients of the data path finish and go; HTTP stays until `close`. */
  async drain(withinMs: number): Promise<void> {
    this.#isOpen = false;
    const late = this.#doors.filter(({ isEarly }) => !isEarly);
    await Promise.all(late.map(({ frontEnd }) => frontEnd.drain(withinMs)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#doors.map(({ frontEnd }) => frontEnd.close()));
  }
}
