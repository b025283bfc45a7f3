import fc from "fast-check";
import { expect, test } from "vitest";
import type { BrokerId, ClusterId, DirectoryId } from "../model/ids.ts";
import type { FoundingConfiguration, FoundingState } from "./founding.ts";
import { decodeFounding, encodeFounding } from "./founding-codec.ts";
import { FOUNDING_STATE_BYTES_MAX } from "../transport/limits.ts";
import { listHash } from "./founding.ts";

const clusterId = ("c".repeat(21) + "A") as ClusterId;
const configuration: FoundingConfiguration = {
  voters: [1, 2, 3, 4, 5].map((broker) => {
    return {
      broker: broker as BrokerId,
      directory: (`d${broker}`.padEnd(21, "x") + "A") as DirectoryId,
    };
  }),
};

const STATES: FoundingState[] = [
  { phase: "empty" },
  { phase: "founding", configuration, complete: false },
  { phase: "founding", configuration, complete: true },
  { phase: "member", clusterId, configuration },
  { phase: "member", clusterId, configuration: null },
];

test.each(STATES)("a founding state survives its bytes: %o", (state) => {
  const bytes = encodeFounding({ listHash: 0xffff_fffe, state });
  expect(decodeFounding(bytes)).toEqual({ listHash: 0xffff_fffe, state });
  expect(bytes.length).toBeLessThanOrEqual(FOUNDING_STATE_BYTES_MAX);
});

test("decodeFounding refuses nonsense", () => {
  const bytes = encodeFounding({ listHash: 1, state: STATES[1]! });
  expect(decodeFounding(bytes.subarray(0, 20))).toBeNull();
  expect(decodeFounding(new Uint8Array(40).fill(9))).toBeNull();
  const phase = 4;
  expect(decodeFounding(bytes.with(phase, 7))).toBeNull();
  expect(decodeFounding(bytes.with(phase, 3))).toBeNull(); // a member without a cluster id
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (hostile) => {
      decodeFounding(hostile);
    }),
  );
});

test("listHash tells lists apart", () => {
  const [one, two] = [1, 2].map((id) => ({ broker: id as BrokerId, at: `h${id}:6092` }));
  expect(listHash([one!, two!])).toBe(listHash([{ ...one! }, { ...two! }]));
  expect(listHash([one!, two!])).not.toBe(listHash([two!, one!]));
  expect(listHash([one!])).not.toBe(listHash([one!, two!]));
});
