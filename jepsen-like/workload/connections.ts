// The connections of one client, one per broker, opened when needed. A broker that cannot be reached is tried again after
// a short pause; meanwhile there is simply no connection.
import { Connection } from "../wire/connection.ts";
import type { BrokerAddress } from "../wire/connection.ts";

const OPEN_MS_MAX = 1_000;
const RETRY_MS = 30;

export interface Link {
  /** Never used twice in a run. */
  readonly link: number;
  readonly connection: Connection;
}

let links = 0;

export class Connections {
  readonly #addresses: ReadonlyMap<number, BrokerAddress>;
  readonly #clientId: string;
  readonly #open = new Map<number, Link>();
  readonly #opening = new Set<number>();
  readonly #retryAtMs = new Map<number, number>();
  #isClosed = false;

  constructor(addresses: ReadonlyMap<number, BrokerAddress>, clientId: string) {
    this.#addresses = addresses;
    this.#clientId = clientId;
  }

  /** The connection to a broker, or null while there is none; asking makes one come. */
  to(broker: number): Link | null {
    const known = this.#open.get(broker);
    if (known?.connection.isOpen === true) return known;
    this.#open.delete(broker);
    const now = performance.now();
    const isEarly = now < (this.#retryAtMs.get(broker) ?? 0);
    if (!this.#isClosed && !this.#opening.has(broker) && !isEarly) void this.#connect(broker);
    return null;
  }

  async #connect(broker: number): Promise<void> {
    const address = this.#addresses.get(broker);
    if (address === undefined) return;
    this.#opening.add(broker);
    try {
      const connection = await Connection.open(address, this.#clientId, OPEN_MS_MAX);
      if (this.#isClosed) connection.close();
      else this.#open.set(broker, { link: ++links, connection });
    } catch {
      this.#retryAtMs.set(broker, performance.now() + RETRY_MS);
    } finally {
      this.#opening.delete(broker);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { connection } of this.#open.values()) connection.close();
    this.#open.clear();
  }
}
