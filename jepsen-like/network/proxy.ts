// The network between brokers and to clients: a place on loopback in front of each port of each broker. It knows who opens a
// connection, so that every direction between two ends has a weather of its own.
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { diallerOf } from "./dialler.ts";
import type { Port } from "./dialler.ts";
import { Flow } from "./flow.ts";
import type { Sky } from "./weather.ts";

export interface Passage {
  readonly broker: number;
  readonly port: Port;
  /** Where the others connect, and where the broker listens. Both on loopback. */
  readonly from: number;
  readonly to: number;
}

/** In the place of an end that is not known. */
const STRANGER = -1;

export function openPassage(passage: Passage, sky: Sky): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => new Arrival(socket, passage, sky));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(passage.from, "127.0.0.1", () => resolve(server));
  });
}

/** A connection that was accepted here, until it is connected through. */
class Arrival {
  readonly #socket: Socket;
  readonly #passage: Passage;
  readonly #sky: Sky;
  #early: Buffer[] = [];
  #dialler: number | null = null;
  #unwatch = (): void => {};

  constructor(socket: Socket, passage: Passage, sky: Sky) {
    this.#socket = socket;
    this.#passage = passage;
    this.#sky = sky;
    socket.on("error", () => {}); // `close` follows
    socket.on("close", () => this.#unwatch());
    socket.on("data", this.#read);
  }

  readonly #read = (bytes: Buffer | string): void => {
    this.#early.push(bytes as Buffer);
    const dialler = diallerOf(this.#passage.port, Buffer.concat(this.#early));
    if (dialler === undefined || this.#dialler !== null) return;
    if (dialler === null) this.#sky.effects.strangers++;
    this.#dialler = dialler ?? STRANGER;
    if (!this.#isPassable()) this.#sky.effects.cutConnections++;
    this.#unwatch = this.#sky.watch(() => this.#tryThrough());
    this.#tryThrough();
  };

  /** Opening takes both directions. */
  #isPassable(): boolean {
    const [dialler, { broker }] = [this.#dialler ?? STRANGER, this.#passage];
    return !this.#sky.over(dialler, broker).isCut && !this.#sky.over(broker, dialler).isCut;
  }

  #tryThrough(): void {
    if (!this.#isPassable() || this.#socket.destroyed) return;
    this.#unwatch();
    this.#socket.off("data", this.#read);
    this.#socket.pause();
    const onward = connect({ port: this.#passage.to, host: "127.0.0.1", noDelay: true });
    onward.on("error", () => {});
    onward.once("close", () => this.#socket.destroySoon());
    onward.once("connect", () => {
      const [dialler, { broker }] = [this.#dialler ?? STRANGER, this.#passage];
      onward.removeAllListeners("close");
      const there = new Flow(this.#socket, onward, this.#sky, [dialler, broker]);
      for (const bytes of this.#early.splice(0)) there.push(bytes);
      if (this.#socket.destroyed) there.push(null);
      new Flow(onward, this.#socket, this.#sky, [broker, dialler]);
      this.#socket.resume();
    });
  }
}
