// What followers and leaders promise each other (L1, L5), checked in every step of a fleet: nobody helps others to lead
// while it hears its leader, nobody leaves a leader on hearsay or without a word, and nobody leads or follows a term that
// was given up.
import type { ReplicaId, Term } from "../../internal/model/ids.ts";
import type { Event } from "../../internal/raft/event.ts";
import type { Machine } from "../../internal/raft/machine.ts";
import type { Message } from "../../internal/raft/message.ts";

/** A replica that is stepped. */
interface Member {
  readonly id: ReplicaId;
  readonly machine: Machine | null;
}

interface Known {
  readonly leader: ReplicaId | null;
  readonly term: Term;
}

/** What only the elected leader of a term says in it. */
const OF_LEADERS: ReadonlySet<Message["say"]> = new Set<Message["say"]>([
  "append-request",
  "assert",
  "install-base",
]);

export class Loyalty {
  readonly #check: (holds: boolean, promise: string) => void;
  readonly #known = new Map<ReplicaId, Known>();
  /** By replica: leaders that it left and has not told. */
  readonly #untold = new Map<ReplicaId, Map<ReplicaId, Term>>();
  /** By replica: who told it to have given up which term. */
  readonly #resigned = new Map<ReplicaId, Map<ReplicaId, Term>>();
  /** The term in which a leader told somebody to campaign, until that one refuses. */
  readonly #handedOver = new Map<ReplicaId, Term>();
  readonly #lastLed = new Map<ReplicaId, Term>();

  constructor(check: (holds: boolean, promise: string) => void) {
    this.#check = check;
  }

  /** The last term that a replica led and does not lead now; 0 when there is none. */
  givenUp({ id, machine }: Member): Term {
    const term = this.#lastLed.get(id) ?? (0 as Term);
    return machine?.role === "leader" && machine.term === term ? (0 as Term) : term;
  }

  restarted({ id, machine }: Member): void {
    this.#untold.delete(id);
    this.#resigned.delete(id);
    this.#handedOver.delete(id);
    if (machine !== null) this.#known.set(id, { leader: null, term: machine.term });
  }

  sent({ id, machine }: Member, to: ReplicaId, message: Message): void {
    if (message.say === "pre-vote-response" && message.granted) {
      this.#check(machine?.leader === null, "who hears a leader helps nobody else to lead");
    }
    if (message.say === "timeout-now") this.#handedOver.set(id, message.term);
    const left = this.#untold.get(id)?.get(to);
    if (left !== undefined && message.term > left) this.#untold.get(id)?.delete(to);
  }

  /** `isDurable`: the machine's term is. */
  stepped(member: Member, event: Event, isDurable: boolean): void {
    const { id, machine } = member;
    if (machine === null) return;
    const before = this.#known.get(id);
    const { leader, term, role } = machine;
    this.#known.set(id, { leader, term });
    if (role === "leader") this.#lastLed.set(id, term);
    if (before !== undefined && term > before.term) this.#left(member, before, event);
    this.#heard(id, event);
    if (event.on === "durable" && isDurable) {
      const untold = this.#untold.get(id)?.size ?? 0;
      this.#check(untold === 0, "who leaves a leader tells it as soon as that is durable");
    }
    if (event.on === "transfer-timeout" && role === "leader") {
      this.#check(
        this.#handedOver.get(id) !== term,
        "a term ends with a transfer that may still succeed",
      );
    }
    const over = leader === null ? undefined : this.#resigned.get(id)?.get(leader);
    this.#check(over === undefined || over < term, "nobody follows a term that was given up");
  }

  #left({ id, machine }: Member, before: Known, event: Event): void {
    const { leader } = before;
    if (leader === null || leader === id || machine === null || machine.leader === leader) return;
    const message = event.on === "message" ? event.message : null;
    const isMoved =
      message !== null &&
      (OF_LEADERS.has(message.say) ||
        message.say === "timeout-now" ||
        // Who recalls has promised its leader nothing yet (D3).
        message.say === "recall-response" ||
        ("transfer" in message && message.transfer) ||
        (event.on === "message" && event.from === leader));
    this.#check(isMoved, "a follower does not leave its leader on hearsay");
    const untold = this.#untold.get(id) ?? new Map<ReplicaId, Term>();
    this.#untold.set(id, untold.set(leader, before.term));
  }

  #heard(id: ReplicaId, event: Event): void {
    if (event.on === "message") {
      const { from, message } = event;
      const left = this.#untold.get(id)?.get(from);
      if (left !== undefined && message.term > left) this.#untold.get(id)?.delete(from);
      if (message.say === "transfer-refused") this.#handedOver.delete(id);
    } else if (event.on === "resigned") {
      this.#untold.get(id)?.delete(event.peer);
      const resigned = this.#resigned.get(id) ?? new Map<ReplicaId, Term>();
      this.#resigned.set(id, resigned.set(event.peer, event.term));
    }
  }
}
