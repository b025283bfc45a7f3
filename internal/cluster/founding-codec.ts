// The founding state as bytes: what hellos carry, opaque to the links (at most FOUNDING_STATE_BYTES_MAX), and what the
// data directory keeps.
import { assert, unreachable } from "../base/assert.ts";
import type { BrokerId, ClusterId, DirectoryId } from "../model/ids.ts";
import { Message } from "../schema/message.ts";
import type { FoundingConfiguration, FoundingState } from "./founding.ts";
import { FOUNDING_VOTERS_MAX } from "./founding.ts";

export interface EncodedFounding {
  readonly listHash: number;
  readonly state: FoundingState;
}

interface Row {
  readonly listHash: number;
  readonly phase: number;
  readonly clusterId: string;
  readonly voters: readonly { readonly broker: number; readonly directory: string }[] | null;
}

const SCHEMA = new Message<Row>({
  name: "FoundingState",
  flexibleFrom: 0,
  fields: "listHash u32, phase i8, clusterId uuid, voters[]?{broker i32, directory uuid}",
});

const PHASES = ["empty", "founding", "complete", "member"] as const;

type Phase = (typeof PHASES)[number];

export function encodeFounding({ listHash, state }: EncodedFounding): Uint8Array {
  const encoded = SCHEMA.encode(0, {
    listHash,
    phase: PHASES.indexOf(phaseOf(state)),
    clusterId: state.phase === "member" ? state.clusterId : "",
    voters: state.phase === "empty" ? null : (state.configuration?.voters ?? null),
  });
  assert(encoded.ok, "a founding state always fits");
  return encoded.value;
}

/** Null: malformed, or of a version that this one does not know. */
export function decodeFounding(bytes: Uint8Array): EncodedFounding | null {
  const decoded = SCHEMA.decode(bytes, 0);
  if (!decoded.ok) return null;
  const { listHash, phase, clusterId, voters } = decoded.value;
  const state = stateOf(PHASES[phase], clusterId, voters);
  return state === null ? null : { listHash, state };
}

function phaseOf(state: FoundingState): Phase {
  return state.phase === "founding" && state.complete ? "complete" : state.phase;
}

function stateOf(
  phase: Phase | undefined,
  clusterId: string,
  voters: Row["voters"],
): FoundingState | null {
  const configuration = voters === null ? null : configurationOf(voters);
  const count = configuration?.voters.length ?? 1;
  if (count === 0 || count > FOUNDING_VOTERS_MAX) return null;
  switch (phase) {
    case "empty":
      return { phase };
    case "founding":
    case "complete":
      return configuration && { phase: "founding", configuration, complete: phase === "complete" };
    case "member":
      return clusterId === "" ? null : { phase, clusterId: clusterId as ClusterId, configuration };
    case undefined:
      return null;
    default:
      return unreachable(phase);
  }
}

function configurationOf(voters: NonNullable<Row["voters"]>): FoundingConfiguration {
  return {
    voters: voters.map(({ broker, directory }) => {
      return { broker: broker as BrokerId, directory: directory as DirectoryId };
    }),
  };
}
