// How a cluster comes to exist, once (C1). Every broker decides from what its data directory holds and what its peers
// say in this process's link sessions. The machine is pure: it is asked again after every change.
//
//   empty --found, adopt--> founding --activate--> founding, complete --group 0 records the id--> member
//   empty --join: a peer has a cluster id--> member
//
// A founding configuration names the directory of each voter of group 0. A directory is bound to one configuration
// for ever when it founds or adopts, durably and before it says so; group 0 starts with a configuration only when
// all of its directories are known to be bound to it. So of two configurations that have a directory in common at
// most one ever starts, whatever is lost, delayed or wiped in between. A disk that is wiped before that moment
// leaves a founding that cannot complete: nothing is stored yet, and an operator empties the directories. Only the
// first of `initial.brokers` founds, so that brokers do not bind themselves to different configurations.
import { assert, unreachable } from "../base/assert.ts";
import type { BrokerId, ClusterId, DirectoryId } from "../model/ids.ts";

/** The first configuration of group 0: its voters in the order of the list. A voter's replica id is its broker id. */
export interface FoundingConfiguration {
  readonly voters: readonly { readonly broker: BrokerId; readonly directory: DirectoryId }[];
}

/** What is durable in the data directory. */
export type FoundingState =
  | { readonly phase: "empty" }
  | {
      readonly phase: "founding";
      readonly configuration: FoundingConfiguration;
      /** Every directory that it names is bound to it: group 0 may start. */
      readonly complete: boolean;
    }
  | {
      readonly phase: "member";
      readonly clusterId: ClusterId;
      /** The founding that this directory took part in; null when it joined later. */
      readonly configuration: FoundingConfiguration | null;
    };

/** What one broker says of itself in its hello. */
export interface FoundingHello {
  readonly broker: BrokerId;
  readonly directory: DirectoryId;
  /** Tells lists apart; see listHash. */
  readonly listHash: number;
  readonly state: FoundingState;
}

export interface FoundingSelf extends FoundingHello {
  /** The ids of `initial.brokers`, in its order. */
  readonly initialBrokers: readonly BrokerId[];
}

export type FoundingDecision =
  /** Make this state durable, then say it to the peers. "activate": then start group 0 with its configuration. */
  | { readonly decide: "found" | "adopt" | "activate"; readonly state: FoundingState }
  /** Make this state durable, then register as a new directory. */
  | { readonly decide: "join"; readonly state: FoundingState }
  /** Nothing to decide any more. A complete founding starts group 0 again after a restart. */
  | { readonly decide: "settled" }
  | {
      readonly decide: "wait";
      readonly for: "peers" | "founder" | "binding" | "cluster-id";
      /** The brokers that were not heard, or ("binding") have not bound themselves yet. */
      readonly missing: readonly BrokerId[];
    }
  /** This broker cannot take part; an operator has to look. */
  | {
      readonly decide: "refuse";
      readonly why:
        | "different-list"
        | "two-directories"
        | "other-cluster"
        /** A named directory was replaced, or bound otherwise, before the founding was complete. */
        | "founding-broken";
      readonly broker: BrokerId;
    };

/** Group 0 has at most this many founding voters (C3). */
export const FOUNDING_VOTERS_MAX = 5;

/**
 * `hellos` are what peers say now, in open sessions of this process, one per session. The answer stands until self or
 * hellos change.
 */
export function decideFounding(
  self: FoundingSelf,
  hellos: readonly FoundingHello[],
): FoundingDecision {
  switch (self.state.phase) {
    case "member":
      return checkCluster(self.state.clusterId, hellos) ?? { decide: "settled" };
    case "founding":
      return self.state.complete ? { decide: "settled" } : complete(self, self.state, hellos);
    case "empty":
      return refusal(self, hellos) ?? begin(self, hellos);
    default:
      return unreachable(self.state);
  }
}

function waitFor(
  what: Extract<FoundingDecision, { decide: "wait" }>["for"],
  missing: readonly BrokerId[] = [],
): FoundingDecision {
  return { decide: "wait", for: what, missing };
}

function checkCluster(
  clusterId: ClusterId,
  hellos: readonly FoundingHello[],
): FoundingDecision | null {
  for (const { broker, state } of hellos) {
    if (state.phase === "member" && state.clusterId !== clusterId) {
      return { decide: "refuse", why: "other-cluster", broker };
    }
  }
  return null;
}

/** What an empty broker cannot begin with. */
function refusal(self: FoundingSelf, hellos: readonly FoundingHello[]): FoundingDecision | null {
  const directories = new Map([[self.broker, self.directory]]);
  for (const { broker, directory } of hellos) {
    const known = directories.get(broker);
    if (known !== undefined && known !== directory) {
      return { decide: "refuse", why: "two-directories", broker };
    }
    directories.set(broker, directory);
  }
  // A cluster that exists is joined whatever list its members were started with.
  const clusterId = knownClusterId(hellos);
  if (clusterId !== null) return checkCluster(clusterId, hellos);
  const other = hellos.find(
    ({ broker, listHash: hash }) => self.initialBrokers.includes(broker) && hash !== self.listHash,
  );
  return other === undefined
    ? null
    : { decide: "refuse", why: "different-list", broker: other.broker };
}

function begin(self: FoundingSelf, hellos: readonly FoundingHello[]): FoundingDecision {
  const clusterId = knownClusterId(hellos);
  if (clusterId !== null) {
    return { decide: "join", state: { phase: "member", clusterId, configuration: null } };
  }
  const adopted = namingMe(self, hellos);
  if (adopted !== null) return { decide: "adopt", state: bound(adopted) };
  const isFounding = hellos.some((hello) => hello.state.phase === "founding");
  if (isFounding || !self.initialBrokers.includes(self.broker)) return waitFor("cluster-id");
  const heard = new Map(hellos.map((hello) => [hello.broker, hello]));
  const missing = self.initialBrokers.filter((id) => id !== self.broker && !heard.has(id));
  if (missing.length > 0) return waitFor("peers", missing);
  if (self.broker !== self.initialBrokers[0]) return waitFor("founder");
  return { decide: "found", state: bound(foundingConfiguration(self, heard)) };
}

function bound(configuration: FoundingConfiguration): FoundingState {
  return { phase: "founding", configuration, complete: false };
}

/** A bound broker waits until all that the configuration names are bound to it, or hears that somebody saw that. */
function complete(
  self: FoundingSelf,
  state: Extract<FoundingState, { phase: "founding" }>,
  hellos: readonly FoundingHello[],
): FoundingDecision {
  const { configuration } = state;
  const activate = { decide: "activate", state: { ...state, complete: true } } as const;
  const missing: BrokerId[] = [];
  for (const { broker, directory } of configuration.voters) {
    if (directory === self.directory) continue;
    const hello = hellos.find((said) => said.broker === broker);
    if (hello === undefined) {
      missing.push(broker);
      continue;
    }
    if (hello.directory !== directory) return { decide: "refuse", why: "founding-broken", broker };
    if (hello.state.phase === "empty") {
      missing.push(broker);
      continue;
    }
    if (!isSame(hello.state.configuration, configuration)) {
      return { decide: "refuse", why: "founding-broken", broker };
    }
    if (hello.state.phase === "member" || hello.state.complete) return activate;
  }
  return missing.length === 0 ? activate : waitFor("binding", missing);
}

function isSame(a: FoundingConfiguration | null, b: FoundingConfiguration): boolean {
  if (a === null) return false;
  const same = a.voters.every((voter, at) => voter.directory === b.voters[at]?.directory);
  return same && a.voters.length === b.voters.length;
}

function namingMe(
  self: FoundingSelf,
  hellos: readonly FoundingHello[],
): FoundingConfiguration | null {
  for (const { state } of hellos) {
    if (state.phase !== "founding") continue;
    const named = state.configuration.voters.some(
      (voter) => voter.broker === self.broker && voter.directory === self.directory,
    );
    if (named) return state.configuration;
  }
  return null;
}

function knownClusterId(hellos: readonly FoundingHello[]): ClusterId | null {
  for (const { state } of hellos) if (state.phase === "member") return state.clusterId;
  return null;
}

function foundingConfiguration(
  self: FoundingSelf,
  heard: ReadonlyMap<BrokerId, FoundingHello>,
): FoundingConfiguration {
  const voters = self.initialBrokers.slice(0, FOUNDING_VOTERS_MAX).map((broker) => {
    if (broker === self.broker) return { broker, directory: self.directory };
    const hello = heard.get(broker);
    assert(hello !== undefined, "a founder has heard every initial broker");
    return { broker, directory: hello.directory };
  });
  return { voters };
}

/** A 32-bit sum (FNV-1a) of a list's text, by which brokers see that they were started with the same one. */
export function listHash(
  list: readonly { readonly broker: BrokerId; readonly at: string }[],
): number {
  const text = list.map(({ broker, at }) => `${broker}@${at}`).join(",");
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}
