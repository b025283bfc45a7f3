import { expect, it } from "vitest";
import fc from "fast-check";
import type { BrokerId, ClusterId, DirectoryId, Incarnation } from "../model/ids.ts";
import { readUuid } from "../bytes/uuid.ts";
import type { LinkIdentity } from "./contract.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";
import {
  decodeHello,
  decodeIdentity,
  decodeJoin,
  decodeRefusal,
  decodeWelcome,
  encodeHello,
  encodeIdentity,
  encodeJoin,
  encodeRefusal,
  encodeWelcome,
} from "./handshake.ts";
import { decodePing, encodePing } from "./ping.ts";

const uuid = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .filter((bytes) => bytes.some((byte) => byte !== 0))
  .map((bytes) => readUuid(new DataView(bytes.buffer, bytes.byteOffset), 0));
const identity: fc.Arbitrary<LinkIdentity> = fc.record({
  broker: fc.integer({ min: 1, max: 0xffffffff }).map((id) => id as BrokerId),
  directory: uuid.map((id) => id as DirectoryId),
  incarnation: fc.maxSafeNat().map((count) => count as Incarnation),
  cluster: fc.option(uuid.map((id) => id as ClusterId)),
  foundingState: fc.uint8Array({ maxLength: 4096 }),
  silenceMs: fc.integer({ min: 1, max: 0xffffffff }),
  payloadBytesMax: fc.integer({ min: 1, max: 0xffffffff }),
});
const hello = fc.record({
  purpose: fc.constantFrom("session" as const, "knock" as const),
  target: fc.integer({ min: 1, max: 0xffffffff }).map((id) => id as BrokerId),
  attempt: fc.maxSafeNat(),
  reachable: fc.record({ host: fc.string({ maxLength: 60 }), port: fc.nat(65535) }),
  identity,
});

it("reads back what it wrote, and ignores bytes behind", () => {
  fc.assert(
    fc.property(hello, uuid, fc.uint8Array({ maxLength: 9 }), (said, token, behind) => {
      const body = (frame: Uint8Array) =>
        Uint8Array.of(...frame.subarray(FRAME_HEADER_BYTES), ...behind);
      const bytes = body(encodeHello(said));
      const heard = decodeHello(bytes, 0, bytes.length);
      bytes.fill(0xee); // lent until the call returns
      expect(heard).toEqual(said);
      const welcome = body(encodeWelcome({ token, identity: said.identity }));
      expect(decodeWelcome(welcome, 0, welcome.length)).toEqual({ token, identity: said.identity });
      const told = Uint8Array.of(...encodeIdentity(said.identity), ...behind);
      expect(decodeIdentity(told, 0, told.length)).toEqual(said.identity);
      const joining = { broker: said.target, lane: "bulk" as const, token };
      const join = body(encodeJoin(joining));
      expect(decodeJoin(join, 0, join.length)).toEqual(joining);
      const refusal = body(encodeRefusal("second-directory"));
      expect(decodeRefusal(refusal, 0, refusal.length)).toBe("second-directory");
    }),
  );
});

it("answers null to what is cut short, and never throws on noise", () => {
  fc.assert(
    fc.property(hello, fc.nat(), fc.uint8Array({ maxLength: 200 }), (said, cut, noise) => {
      const bytes = encodeHello(said).subarray(FRAME_HEADER_BYTES);
      expect(decodeHello(bytes, 0, cut % bytes.length)).toBeNull();
      for (const decode of [decodeHello, decodeWelcome, decodeJoin, decodeRefusal, decodePing]) {
        decode(noise, 0, noise.length);
      }
    }),
  );
});

it("refuses identities that cannot be", () => {
  const good: LinkIdentity = {
    broker: 1 as BrokerId,
    directory: "AAAAAAAAAAAAAAAAAAAAAQ" as DirectoryId,
    incarnation: 1 as Incarnation,
    cluster: null,
    foundingState: new Uint8Array(0),
    silenceMs: 400,
    payloadBytesMax: 1_000,
  };
  const decoded = (identity: LinkIdentity) => {
    const bytes = encodeIdentity(identity);
    return decodeIdentity(bytes, 0, bytes.length);
  };
  expect(decoded(good)).toEqual(good);
  expect(decoded({ ...good, broker: 0 as BrokerId })).toBeNull();
  expect(decoded({ ...good, directory: "" as DirectoryId })).toBeNull();
  expect(decoded({ ...good, incarnation: -1 as Incarnation })).toBeNull();
  expect(decoded({ ...good, foundingState: new Uint8Array(4097) })).toBeNull();
  expect(decoded({ ...good, silenceMs: 0 })).toBeNull();
  expect(decoded({ ...good, payloadBytesMax: 0 })).toBeNull();
});

it("pings: reads back what it wrote, refuses impossible numbers", () => {
  const ping = {
    sentMs: 1234.5,
    echoMs: NaN,
    incarnation: 7 as Incarnation,
    durableSequence: 2 ** 52 + 1,
    oldestWriteAgeMs: 0.25,
    hasRoom: false,
    dataBytes: 2 ** 40 + 3,
    bulkBytes: 5,
    dataPaused: false,
    bulkPaused: true,
  };
  const bytes = encodePing(ping);
  expect(decodePing(bytes, 0, bytes.length)).toEqual(ping);
  expect(decodePing(bytes, 0, bytes.length - 1)).toBeNull();
  for (const wrong of [{ sentMs: NaN }, { sentMs: Infinity }, { oldestWriteAgeMs: -1 }]) {
    expect(decodePing(encodePing({ ...ping, ...wrong }), 0, bytes.length)).toBeNull();
  }
});
