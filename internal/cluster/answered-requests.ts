// Which requests of a broker the controller has carried out, so that one that is asked again is not carried out again (C9). A
// start of a broker numbers its requests; each says from which number on its asker may still ask again, and what is below is
// forgotten. What is kept is replicated with the records that the request wrote, in the same entry of the log, and goes when
// the broker registers its next start.
import type { BrokerId, DirectoryId, Incarnation } from "../model/ids.ts";
import { ANSWERED_BYTES_MAX } from "./limits.ts";

export interface AskingBroker {
  readonly broker: BrokerId;
  readonly directory: DirectoryId;
  readonly incarnation: Incarnation;
}

/** Who asks, and which of its requests it is. */
export interface Asker extends AskingBroker {
  /** Grows by one with each request of this start of the broker; the attempts of one request share it. */
  readonly sequence: number;
  /** Every request below has its answer, or nobody waits for it any more. */
  readonly floor: number;
}

/** Of the registered start of one broker. A reply is null when it was too large to be kept. */
export interface AnsweredRequests {
  readonly floor: number;
  readonly replies: ReadonlyMap<number, Uint8Array | null>;
}

const NONE: AnsweredRequests = { floor: 0, replies: new Map() };

export function withAnswer(
  known: AnsweredRequests = NONE,
  { sequence, floor }: Pick<Asker, "sequence" | "floor">,
  reply: Uint8Array | null,
): AnsweredRequests {
  const raised = Math.max(known.floor, floor);
  const replies = new Map([...known.replies].filter(([number]) => number >= raised));
  replies.set(sequence, reply);
  forgetOldest(replies);
  return { floor: raised, replies };
}

/** That the requests were carried out stays known. */
function forgetOldest(replies: Map<number, Uint8Array | null>): void {
  let bytes = 0;
  for (const reply of replies.values()) bytes += reply?.length ?? 0;
  for (const [number, reply] of replies) {
    if (bytes <= ANSWERED_BYTES_MAX) return;
    bytes -= reply?.length ?? 0;
    replies.set(number, null);
  }
}
