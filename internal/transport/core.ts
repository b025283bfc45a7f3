// What all parts of the links share: the world, the options, this broker's identity, the metrics,
// the handlers of messages, and a log that a hostile or broken peer cannot flood.
import type { LogFields, Log } from "../ports/log.ts";
import type { World } from "../ports/world.ts";
import type { Lane, LinkIdentity, LinkOptions, MessageHandler, OwnFacts } from "./contract.ts";
import type { Flusher } from "./flusher.ts";
import type { LinkProbe } from "./probe.ts";

export const DEFAULT_OPTIONS: LinkOptions = {
  pingMs: 100,
  silenceMs: 400,
  connectMsMax: 1_000,
  helloMsMax: 2_000,
  retryMsMin: 25,
  retryMsMax: 500,
  stallMsMax: 10_000,
  controlBytesMax: 64 * 1024,
  dataBytesMax: 8 * 1024 * 1024,
  bulkBytesMax: 8 * 1024 * 1024,
  connectionsMax: 256,
  strangersMax: 64,
  advertised: null,
};

export interface Registered {
  readonly lane: Lane;
  readonly handler: MessageHandler;
}

/** The part of the world that links use. */
export type LinkWorld = Pick<World, "clock" | "entropy" | "wire" | "log" | "meter">;

export interface LinkCore {
  readonly world: LinkWorld;
  readonly options: LinkOptions;
  readonly probe: LinkProbe;
  readonly flusher: Flusher;
  readonly log: LimitedLog;
  readonly ownFacts: () => OwnFacts;
  /** By message type. */
  readonly handlers: (Registered | undefined)[];
  /** Replaced when the cluster id or the founding state changes. */
  identity: LinkIdentity;
}

const LINE_GAP_MS = 1_000;

/** At most one line per event and second; the next one says how many were left out. */
export class LimitedLog {
  readonly #log: Log;
  readonly #upMs: () => number;
  readonly #last = new Map<string, { atMs: number; suppressed: number }>();

  constructor(log: Log, upMs: () => number) {
    this.#log = log;
    this.#upMs = upMs;
  }

  warn(fields: LogFields, event: string): void {
    const now = this.#upMs();
    const last = this.#last.get(event);
    if (last !== undefined && now - last.atMs < LINE_GAP_MS) {
      last.suppressed++;
      return;
    }
    const suppressed = last?.suppressed ?? 0;
    this.#last.set(event, { atMs: now, suppressed: 0 });
    this.#log.warn(suppressed > 0 ? { ...fields, suppressed } : fields, event);
  }

  info(fields: LogFields, event: string): void {
    this.#log.info(fields, event);
  }

  debug(fields: LogFields, event: string): void {
    this.#log.debug(fields, event);
  }
}
