// How a cluster comes to exist, once (C1). Every broker decides from what its data directory holds and what its peers
// say in this process's own link sessions. The machine is pure: it is asked again after every change.
//
//   empty --found, adopt--> founding --the cluster id is committed in group 0--> member
//   empty --a peer has a cluster id, and no founding names this directory--> member (joined)
//
// Only the first of `initial.brokers` founds; all others adopt its configuration or join. That is what makes two
// clusters impossible: a configuration of group 0 names the directory of each of its voters, a directory is bound to at
// most one configuration for ever, and the founder's directory makes at most one. If the founder's disk is wiped, a new
// founder needs to hear from every initial broker, in sessions that began after the old one's end, that it is
// empty; so no directory was bound to the old configuration while the old founder could still vote in it, and of
// the two configurations only one can find a majority among the directories that are left.
import { assert } from "../base/assert.ts";
import type { BrokerId, ClusterId, DirectoryId } from "../model/ids.ts";

/** The first configuration of group 0: its voters in the order of the list. A voter's replica id is its broker id. */
export interface FoundingConfiguration {
  readonly voters: readonly { readonly broker: BrokerId; readonly directory: DirectoryId }[];
}

/** What is durable in the data directory. "member" keeps the founding it came from, null when it joined. */
export type FoundingState =
  | { readonly phase: "empty" }
  | { readonly phase: "founding"; readonly configuration: FoundingConfiguration }
  | {
      readonly phase: "member";
      readonly clusterId: ClusterId;
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
  /** Make this durable, then say it, then start group 0 with it. */
  | { readonly decide: "found" | "adopt"; readonly configuration: FoundingConfiguration }
  /** Make the cluster id durable and register as a new directory. */
  | { readonly decide: "join"; readonly clusterId: ClusterId }
  /** Nothing to do: the state is settled, or the group this broker founds with has yet to record the cluster id. */
  | { readonly decide: "settled" }
  | {
      readonly decide: "wait";
      readonly for: "peers" | "founder" | "cluster-id";
      /** Initial brokers that were not heard, when it is they who are waited for. */
      readonly missing: readonly BrokerId[];
    }
  /** This broker cannot take part; an operator has to look. */
  | {
      readonly decide: "refuse";
      readonly why: "different-list" | "two-directories" | "other-cluster";
      readonly broker: BrokerId;
    };

/** Group 0 has at most this many founding voters (C3). */
export const FOUNDING_VOTERS_MAX = 5;

const SETTLED: FoundingDecision = { decide: "settled" };

/**
 * `hellos` are what peers say now, in open sessions of this process, one per session. The answer stands until self or
 * hellos change.
 */
export function decideFounding(
  self: FoundingSelf,
  hellos: readonly FoundingHello[],
): FoundingDecision {
  const conflict = refusal(self, hellos);
  if (conflict !== null) return conflict;
  if (self.state.phase !== "empty") return SETTLED;
  const adopted = namingMe(self, hellos);
  if (adopted !== null) return { decide: "adopt", configuration: adopted };
  const clusterId = knownClusterId(hellos);
  if (clusterId !== null) return { decide: "join", clusterId };
  if (!self.initialBrokers.includes(self.broker)) return waitFor("cluster-id");
  const heard = new Map(hellos.map((hello) => [hello.broker, hello]));
  const missing = self.initialBrokers.filter((id) => id !== self.broker && !heard.has(id));
  if (hellos.some((hello) => hello.state.phase !== "empty")) return waitFor("cluster-id");
  if (missing.length > 0) return waitFor("peers", missing);
  if (self.broker !== self.initialBrokers[0]) return waitFor("founder");
  return { decide: "found", configuration: foundingConfiguration(self, heard) };
}

function waitFor(
  what: Extract<FoundingDecision, { decide: "wait" }>["for"],
  missing: readonly BrokerId[] = [],
): FoundingDecision {
  return { decide: "wait", for: what, missing };
}

function refusal(self: FoundingSelf, hellos: readonly FoundingHello[]): FoundingDecision | null {
  const directories = new Map([[self.broker, self.directory]]);
  for (const { broker, directory, listHash, state } of hellos) {
    const known = directories.get(broker);
    if (known !== undefined && known !== directory) {
      return { decide: "refuse", why: "two-directories", broker };
    }
    directories.set(broker, directory);
    if (state.phase === "member") {
      const isOther = self.state.phase === "member" && self.state.clusterId !== state.clusterId;
      if (isOther) return { decide: "refuse", why: "other-cluster", broker };
      continue; // A cluster that exists is joined whatever list its members were started with.
    }
    const matters = self.state.phase !== "member" && self.initialBrokers.includes(broker);
    if (matters && listHash !== self.listHash) {
      return { decide: "refuse", why: "different-list", broker };
    }
  }
  const ids = new Set(
    hellos.flatMap(({ state }) => (state.phase === "member" ? state.clusterId : [])),
  );
  if (ids.size <= 1) return null;
  const broker = hellos.find(({ state }) => state.phase === "member")!.broker;
  return { decide: "refuse", why: "other-cluster", broker };
}

function namingMe(
  self: FoundingSelf,
  hellos: readonly FoundingHello[],
): FoundingConfiguration | null {
  for (const { state } of hellos) {
    if (state.phase === "empty" || state.configuration === null) continue;
    const { voters } = state.configuration;
    const named = voters.some(
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
