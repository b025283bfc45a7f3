// The broker's links to all other brokers.
import type { BrokerId, ClusterId } from "../model/ids.ts";
import type { Result } from "../base/result.ts";
import type { Address, Listener } from "../ports/wire.ts";
import type { World } from "../ports/world.ts";
import type {
  Lane,
  LinkEvents,
  LinkIdentity,
  LinkOptions,
  MessageHandler,
  OwnFacts,
  Peer,
  Session,
} from "./contract.ts";

export type {
  Lane,
  LinkEvents,
  LinkFault,
  LinkIdentity,
  LinkOptions,
  MessageHandler,
  OwnFacts,
  Peer,
  PeerIdentity,
  PingFacts,
  Session,
} from "./contract.ts";

export type ListenFault = { readonly kind: "listen"; readonly code: string; readonly at: Address };

// The signatures come first; the body follows in this file.
export declare class Links {
  constructor(
    world: World,
    options: Partial<LinkOptions>,
    identity: LinkIdentity,
    events: LinkEvents,
    ownFacts: () => OwnFacts,
  );
  /** Accepts links at `at`; the listener closes with the links. */
  listen(at: Address): Promise<Result<Listener, ListenFault>>;
  /** Replaces the configured peers; an entry with the own broker id is skipped. */
  setPeers(peers: readonly Peer[]): void;
  setCluster(id: ClusterId): void;
  setFoundingState(state: Uint8Array): void;
  /** Registers the handler of one message type, MESSAGE_TYPE_FIRST to 255, on one lane. */
  handle(type: number, lane: Lane, handler: MessageHandler): void;
  /** The open session with a broker. */
  session(broker: BrokerId): Session | null;
  /** Monotonic send time of the newest own ping that the peer echoed in the open session (L5). */
  contactMs(broker: BrokerId): number;
  /** True from `peerSilent` to the next ping, and for a broker that is neither a peer nor linked. */
  isSilent(broker: BrokerId): boolean;
  /** Sends what is queued now. For callers that run in a turn end themselves; otherwise not needed. */
  flush(): void;
  close(): Promise<void>;
}
