// The founding state as bytes: what hellos carry, opaque to the links (at most FOUNDING_STATE_BYTES_MAX), and what the
// data directory keeps.
import { assert } from "../base/assert.ts";
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

const PHASES = ["empty", "founding", "member"] as const;

export function encodeFounding({ listHash, state }: EncodedFounding): Uint8Array {
  const encoded = SCHEMA.encode(0, {
    listHash,
    phase: PHASES.indexOf(state.phase),
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
  if (voters !== null && (voters.length === 0 || voters.length > FOUNDING_VOTERS_MAX)) return null;
  const configuration = voters === null ? null : configurationOf(voters);
  switch (PHASES[phase]) {
    case "empty":
      return { listHash, state: { phase: "empty" } };
    case "founding":
      return configuration && { listHash, state: { phase: "founding", configuration } };
    case "member": {
      if (clusterId === "") return null;
      const state = { phase: "member", clusterId: clusterId as ClusterId, configuration } as const;
      return { listHash, state };
    }
    case undefined:
      return null;
  }
}

function configurationOf(voters: NonNullable<Row["voters"]>): FoundingConfiguration {
  return {
    voters: voters.map(({ broker, directory }) => {
      return { broker: broker as BrokerId, directory: directory as DirectoryId };
    }),
  };
}
