// One connection to one broker. Requests may overlap; answers must come in the order of the questions, as Kafka promises,
// and an answer out of order ends the connection with a complaint. What ends a connection ends all that waits on it.
import { connect } from "node:net";
import type { Socket } from "node:net";
import { ByteReader, MalformedAnswer } from "./bytes.ts";
import type { Api } from "./requests.ts";
import { API_VERSIONS, encodeRequest } from "./requests.ts";

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** The connection ended, or the time was over, before the answer came: what the request did is unknown. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

const ANSWER_BYTES_MAX = 128 << 20;

interface Waiting {
  readonly correlation: number;
  /** Takes the bytes after the correlation id. */
  readonly answer: (body: Buffer) => void;
  readonly fail: (fault: Error) => void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #clientId: string;
  readonly #waiting: Waiting[] = [];
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  #correlation = 0;
  #fault: Error | null = null;

  private constructor(socket: Socket, clientId: string) {
    this.#socket = socket;
    this.#clientId = clientId;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#received(chunk as Buffer));
    socket.on("error", (error) => this.close(new NoAnswer(error.message)));
    socket.on("close", () => this.close(new NoAnswer("the connection ended")));
  }

  /** Rejects when nothing listens or nothing answers within the time; then no request was sent. */
  static open(address: BrokerAddress, clientId: string, withinMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(address.port, address.host);
      const giveUp = (error: Error): void => {
        clearTimeout(timer);
        socket.destroy();
        reject(error);
      };
      const timer = setTimeout(() => giveUp(new NoAnswer("connecting took too long")), withinMs);
      socket.once("error", giveUp);
      socket.once("connect", () => {
        clearTimeout(timer);
        socket.off("error", giveUp);
        resolve(new Connection(socket, clientId));
      });
    });
  }

  /** Open, and it has answered an ApiVersions request: the broker's event loop runs. */
  static async greet(address: BrokerAddress, clientId: string, withinMs: number) {
    const connection = await Connection.open(address, clientId, withinMs);
    try {
      await connection.ask(API_VERSIONS, null, withinMs);
      return connection;
    } catch (error) {
      connection.close(new NoAnswer("no greeting"));
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#fault === null;
  }

  /**
   * Sends a request. When its answer does not come in time, the whole connection ends, as in Kafka's own clients: later
   * answers could not be told from earlier ones otherwise.
   */
  ask<Q, A>(api: Api<Q, A>, question: Q, withinMs: number): Promise<A> {
    if (this.#fault !== null) return Promise.reject(this.#fault);
    const correlation = this.#correlation++;
    const bytes = encodeRequest(api, correlation, this.#clientId, question);
    return new Promise<A>((resolve, reject) => {
      const timer = setTimeout(() => this.close(new NoAnswer("the time is over")), withinMs);
      this.#waiting.push({
        correlation,
        answer: (body) => {
          clearTimeout(timer);
          const from = new ByteReader(body);
          // Only the answer to ApiVersions has a header without tags.
          if (api.key !== API_VERSIONS.key) from.tags();
          const answer = api.read(from);
          if (from.remaining !== 0) throw new MalformedAnswer("is longer than its content");
          resolve(answer);
        },
        fail: (fault) => {
          clearTimeout(timer);
          reject(fault);
        },
      });
      this.#socket.write(bytes);
    });
  }

  #received(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    try {
      for (let frame = this.#nextFrame(); frame !== null; frame = this.#nextFrame()) {
        const next = this.#waiting[0];
        const correlation = frame.readInt32BE(0);
        if (next === undefined || next.correlation !== correlation) {
          throw new MalformedAnswer(`answer ${correlation} comes out of order`);
        }
        next.answer(frame.subarray(4));
        this.#waiting.shift();
      }
    } catch (error) {
      this.close(error as Error);
    }
  }

  #nextFrame(): Buffer | null {
    if (this.#fault !== null || this.#chunkBytes < 4) return null;
    if ((this.#chunks[0] as Buffer).length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
    const size = (this.#chunks[0] as Buffer).readInt32BE(0);
    if (size < 4 || size > ANSWER_BYTES_MAX) throw new MalformedAnswer(`has size ${size}`);
    if (this.#chunkBytes < 4 + size) return null;
    const all =
      this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    const rest = all.subarray(4 + size);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#chunkBytes = rest.length;
    return all.subarray(4, 4 + size);
  }

  /** Ends it; everything that waits fails with `fault`. Idempotent. */
  close(fault: Error = new NoAnswer("closed")): void {
    if (this.#fault !== null) return;
    this.#fault = fault;
    this.#socket.destroy();
    for (const { fail } of this.#waiting.splice(0)) fail(fault);
  }
}
