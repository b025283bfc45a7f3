// A few brokers that have nothing but links, on the simulated network. Every event that links
// deliver is checked for legality as it comes: sessions alternate, silence is told once, messages
// of a lane come in order and without gaps and only inside a session, and what was lent is given
// back exactly once.
import { Links } from "../../internal/transport/links.ts";
import type {
  Lane,
  LinkFault,
  LinkIdentity,
  LinkOptions,
  PingFacts,
  Session,
} from "../../internal/transport/contract.ts";
import { assert } from "../../internal/base/assert.ts";
import type { BrokerId, ClusterId, DirectoryId, Incarnation } from "../../internal/model/ids.ts";
import type { Log } from "../../internal/ports/log.ts";
import type { Meter } from "../../internal/ports/meter.ts";
import type { Wire } from "../../internal/ports/wire.ts";
import type { Life } from "../sim/world/life.ts";
import { Scheduler } from "../sim/world/scheduler.ts";
import { SeededEntropy } from "../sim/world/seeded-entropy.ts";
import { SimClock } from "../sim/world/sim-clock.ts";
import { SimNetwork } from "../sim/world/sim-network.ts";

export const PORT = 9;
const LANES: readonly Lane[] = ["control", "data", "bulk"];
/** Message types of the lab, by lane. */
const TYPES: Record<Lane, number> = { control: 20, data: 21, bulk: 22 };

export const broker = (id: number): BrokerId => id as BrokerId;
export const hostOf = (id: number): string => `b${id}`;
export const directory = (salt: number): DirectoryId =>
  `${String(salt).padStart(21, "A")}A` as DirectoryId;
export const cluster = (salt: number): ClusterId =>
  `${String(salt).padStart(21, "B")}A` as ClusterId;

export interface StartFacts {
  readonly directory?: DirectoryId;
  readonly incarnation?: number;
  readonly cluster?: ClusterId | null;
  readonly foundingState?: Uint8Array;
  readonly options?: Partial<LinkOptions>;
  /** The machine, when it is not the broker's own. */
  readonly host?: string;
  /** Put around the broker's wire. */
  readonly wire?: (wire: Wire) => Wire;
  /** Ids of the configured peers; default: every broker of the lab. */
  readonly peers?: readonly number[];
}

export class Lab {
  readonly scheduler = new Scheduler();
  readonly network: SimNetwork;
  readonly seed: number;
  readonly ids: readonly number[];
  readonly brokers = new Map<number, LabBroker>();

  constructor(seed: number, ids: readonly number[]) {
    this.seed = seed;
    this.ids = ids;
    this.network = new SimNetwork(this.scheduler, seed);
  }

  /** Starts a process for a broker id; `as` tells several processes with one id apart. */
  async start(id: number, facts: StartFacts = {}, as = id): Promise<LabBroker> {
    const started = new LabBroker(this, id, facts);
    this.brokers.set(as, started);
    const listening = started.links.listen({ host: started.host, port: PORT });
    started.setPeers(facts.peers ?? this.ids);
    const listened = await this.scheduler.settle(listening);
    assert(listened.ok, "a broker of the lab can listen");
    return started;
  }

  async startAll(): Promise<void> {
    for (const id of this.ids) await this.start(id);
  }

  at(id: number): LabBroker {
    const found = this.brokers.get(id);
    assert(found !== undefined, "this broker of the lab was started");
    return found;
  }

  /** The process dies; its machine lives on (kill) or not (power). */
  crash(id: number, kind: "kill" | "power"): void {
    const dying = this.at(id);
    dying.life.end();
    this.network.crash(dying.host, kind);
    this.brokers.delete(id);
  }

  async runMs(durationMs: number): Promise<void> {
    await this.scheduler.runFor(Math.round(durationMs * 1000));
  }

  get nowMs(): number {
    return this.scheduler.nowUs / 1000;
  }

  /** A bare connection from a machine of its own, for hostile bytes. */
  stranger(): Wire {
    return this.network.portFor(this.scheduler.newLife("stranger", 1));
  }
}

/** One message as it was sent or came. */
interface Stamp {
  readonly session: number;
  readonly sequence: number;
}

export class LabBroker {
  readonly id: number;
  readonly host: string;
  readonly lab: Lab;
  readonly life: Life;
  readonly clock: SimClock;
  readonly links: Links;
  readonly trace: string[] = [];
  readonly faults: LinkFault[] = [];
  readonly logged: string[] = [];
  /** Accepted sends with a `released`, and how often each was released. */
  readonly released: number[] = [];
  /** How many messages came, by lane. */
  readonly came: Record<Lane, number> = { control: 0, data: 0, bulk: 0 };
  /** The lane of each message as it came, for all peers. */
  readonly order: { lane: Lane; sequence: number; session: number }[] = [];
  durableSequence = 0;
  /** Runs inside each message. */
  onMessage: (session: Session, lane: Lane) => void = () => {};
  onBegan: (session: Session) => void = () => {};
  onPing: (ping: PingFacts) => void = () => {};
  readonly #open = new Map<BrokerId, Session>();
  readonly #silent = new Set<BrokerId>();
  readonly #next = new Map<string, number>();
  readonly #sent = new Map<string, number>();
  readonly #senders = new Map<number, number>();
  #numberLast = 0;

  constructor(lab: Lab, id: number, facts: StartFacts) {
    this.lab = lab;
    this.id = id;
    this.host = facts.host ?? hostOf(id);
    const incarnation = facts.incarnation ?? 1;
    this.life = lab.scheduler.newLife(this.host, incarnation);
    const entropy = new SeededEntropy(lab.seed, `${this.host} ${incarnation}`);
    this.clock = new SimClock(lab.scheduler, this.life, { offsetMs: 0, rate: 1 }, entropy);
    const identity: Omit<LinkIdentity, "silenceMs"> = {
      broker: broker(id),
      directory: facts.directory ?? directory(id),
      incarnation: incarnation as Incarnation,
      cluster: facts.cluster ?? null,
      foundingState: facts.foundingState ?? new Uint8Array(0),
      payloadBytesMax: 1 << 20,
    };
    const port = lab.network.portFor(this.life);
    const wire = facts.wire === undefined ? port : facts.wire(port);
    const world = { clock: this.clock, entropy, wire, log: logInto(this.logged), meter: NO_METER };
    this.links = new Links(world, facts.options ?? {}, identity, this.#events(), () => ({
      durableSequence: this.durableSequence,
      oldestWriteAgeMs: 0,
      hasRoom: true,
    }));
    for (const lane of LANES) {
      this.links.handle(TYPES[lane], lane, (session, bytes, start, end) =>
        this.#message(session, lane, bytes, start, end),
      );
    }
  }

  setPeers(ids: readonly number[]): void {
    this.links.setPeers(
      ids.map((id) => ({ broker: broker(id), address: { host: hostOf(id), port: PORT } })),
    );
  }

  #events(): ConstructorParameters<typeof Links>[3] {
    return {
      sessionBegan: (session) => this.#began(session),
      sessionEnded: (session) => this.#ended(session),
      peerSilent: (peer) => {
        assert(!this.#silent.has(peer), "silence is told once");
        assert(this.links.isSilent(peer), "who fell silent is silent");
        assert(this.links.session(peer) === null, "a silent peer has no session");
        this.#silent.add(peer);
        this.#note(`silent ${peer}`);
      },
      pinged: (session, ping) => this.#pinged(session, ping),
      refused: (fault) => {
        this.faults.push(fault);
        this.#note(`refused ${fault.kind} ${fault.side}`);
      },
      peerChanged: (session) => {
        assert(this.#open.get(session.peer.broker) === session, "a change comes in a session");
        this.#note(`changed ${session.peer.broker}`);
      },
    };
  }

  #note(text: string): void {
    this.trace.push(text);
  }

  #began(session: Session): void {
    const peer = session.peer.broker;
    assert(!this.#open.has(peer), "a session begins after the older one ended");
    assert(session.open, "a session that began is open");
    assert(session.number > this.#numberLast, "session numbers grow");
    assert(this.links.session(peer) === session, "the newest session is the current one");
    this.#numberLast = session.number;
    this.#open.set(peer, session);
    this.#note(`began ${peer}`);
    this.onBegan(session);
  }

  #ended(session: Session): void {
    const peer = session.peer.broker;
    assert(this.#open.get(peer) === session, "the session that ended is the one that began");
    assert(!session.open, "an ended session is not open");
    assert(this.links.session(peer) === null, "after the end there is no session");
    assert(this.links.contactMs(peer) === -Infinity, "without a session there is no contact");
    assert(
      !session.send("data", TYPES.data, [new Uint8Array(1)]),
      "an ended session sends nothing",
    );
    this.#open.delete(peer);
    this.#note(`ended ${peer}`);
  }

  #pinged(session: Session, ping: PingFacts): void {
    const peer = session.peer.broker;
    assert(this.#open.get(peer) === session, "a ping comes in the open session");
    assert(ping.incarnation === session.peer.incarnation, "a ping is of the session's process");
    assert(!this.links.isSilent(peer), "who pings is not silent");
    const contactMs = this.links.contactMs(peer);
    assert(contactMs <= this.clock.upMs(), "contact is not in the future");
    if (this.#silent.delete(peer)) this.#note(`heard ${peer}`);
    this.onPing(ping);
  }

  /** Sends one message of `length` bytes or more; false when the lane is full. */
  send(session: Session, lane: Lane, length = 0): boolean {
    const key = `${session.number} ${lane}`;
    const sequence = this.#sent.get(key) ?? 0;
    const head = encodeStamp({ session: session.number, sequence });
    const body = new Uint8Array(length).fill(sequence & 0xff);
    const ticket = this.released.length;
    const sent = session.send(lane, TYPES[lane], [head, body], () => {
      this.released[ticket]!++;
      assert(this.released[ticket] === 1, "what was lent is released once");
      // Only from here on may the sender use the memory again.
      head.fill(0xee);
      body.fill(0xee);
    });
    if (!sent) return false;
    this.released.push(0);
    this.#sent.set(key, sequence + 1);
    return true;
  }

  #message(session: Session, lane: Lane, bytes: Uint8Array, start: number, end: number): void {
    assert(this.#open.get(session.peer.broker) === session, "messages come in the open session");
    const stamp = decodeStamp(bytes, start);
    const key = `${session.number} ${lane}`;
    const expected = this.#next.get(key) ?? 0;
    assert(stamp.sequence === expected, "a lane keeps order and loses nothing");
    this.#next.set(key, expected + 1);
    const sender = this.#senders.get(session.number);
    assert(sender === undefined || sender === stamp.session, "two sessions never mix");
    this.#senders.set(session.number, stamp.session);
    for (let at = start + STAMP_BYTES; at < end; at++) {
      assert(bytes[at] === (stamp.sequence & 0xff), "bytes arrive as they were sent");
    }
    this.came[lane]++;
    this.order.push({ lane, sequence: stamp.sequence, session: session.number });
    this.onMessage(session, lane);
  }

  session(id: number): Session | null {
    return this.links.session(broker(id));
  }

  count(event: string): number {
    return this.trace.filter((line) => line === event).length;
  }
}

const STAMP_BYTES = 8;

function encodeStamp(stamp: Stamp): Uint8Array {
  const bytes = new Uint8Array(STAMP_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, stamp.session);
  view.setUint32(4, stamp.sequence);
  return bytes;
}

function decodeStamp(bytes: Uint8Array, start: number): Stamp {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { session: view.getUint32(start), sequence: view.getUint32(start + 4) };
}

export function logInto(lines: string[]): Log {
  const note = (_fields: unknown, event: string): void => {
    lines.push(event);
  };
  const log: Log = { child: () => log, debug: () => {}, info: note, warn: note, error: note };
  return log;
}

export const NO_METER: Meter = {
  counter: () => ({ add: () => {} }),
  gauge: () => ({ set: () => {} }),
  observedGauge: () => {},
  observedSeries: () => {},
  histogram: () => ({ observe: () => {} }),
  render: async () => ({ contentType: "", body: "" }),
};
