import fc from "fast-check";
import { expect, test } from "vitest";
import { failed, ok } from "../base/result.ts";
import type {
  BrokerId,
  ClusterId,
  DirectoryId,
  Incarnation,
  LogIndex,
  Term,
  TopicId,
} from "../model/ids.ts";
import type { ControllerKind, ControllerReply, ControllerRequest } from "./controller-requests.ts";
import { decodeReply, decodeRequest, encodeReply, encodeRequest } from "./request-codec.ts";
import { REQUEST_SCHEMAS } from "./request-schemas.ts";

const [topicId, clusterId, directory] = ["t", "c", "d"].map((of) => of.repeat(21) + "A") as [
  TopicId,
  ClusterId,
  DirectoryId,
];
const broker = 3 as BrokerId;
const incarnation = 9 as Incarnation;
const topic = { topicId, name: "orders", partitions: 2, factor: -1 };

const REQUESTS: { readonly [K in ControllerKind]: ControllerRequest<K>[] } = {
  "found-cluster": [{ kind: "found-cluster", clusterId }],
  "register-broker": [
    {
      kind: "register-broker",
      ...{ broker, directory, incarnation, clusterId, rack: null, host: "h" },
      endpoints: [{ protocol: "link", listener: "l", tls: true, host: "x", port: 65_535 }],
    },
  ],
  "fence-broker": [{ kind: "fence-broker", broker, incarnation }],
  "unfence-broker": [{ kind: "unfence-broker", broker, incarnation }],
  "drain-broker": [{ kind: "drain-broker", broker, incarnation }],
  "remove-broker": [{ kind: "remove-broker", broker }],
  "create-topics": [
    {
      kind: "create-topics",
      topics: [
        { ...topic, assignments: [], configs: [{ name: "a", value: null }] },
        { ...topic, assignments: [{ partition: 0, brokers: [broker] }], configs: [] },
      ],
      validateOnly: true,
      readyWithinMs: 500,
    },
  ],
  "delete-topics": [{ kind: "delete-topics", topics: [{ name: "x" }, { topicId }] }],
  "create-partitions": [
    {
      kind: "create-partitions",
      topics: [{ name: "x", count: 4, assignments: [[broker], []] }],
      validateOnly: false,
      readyWithinMs: 0,
    },
  ],
  "place-replicas": [
    {
      kind: "place-replicas",
      changes: [{ topicId, partition: 1, revision: 2, brokers: [broker] }],
    },
  ],
  "settle-placements": [
    { kind: "settle-placements", settled: [{ topicId, partition: 1, revision: 2 }] },
  ],
  "replace-directory": [{ kind: "replace-directory", broker, directory, countMax: 5 }],
  "alter-configs": [
    {
      kind: "alter-configs",
      resources: [
        { of: { resource: "topic", name: "x" }, configs: [{ name: "a", value: "1" }] },
        { of: { resource: "broker", broker: null }, configs: [] },
        { of: { resource: "broker", broker }, configs: [] },
        { of: { resource: "group", name: "g" }, configs: [] },
      ],
      validateOnly: false,
    },
  ],
  "alter-configs-incrementally": [
    {
      kind: "alter-configs-incrementally",
      resources: [
        {
          of: { resource: "topic", name: "x" },
          changes: [{ name: "a", operation: "append", value: "1" }],
        },
      ],
      validateOnly: true,
    },
  ],
  "allocate-producer-ids": [{ kind: "allocate-producer-ids", broker, incarnation }],
  "set-feature-levels": [
    {
      kind: "set-feature-levels",
      features: [{ feature: "f", level: 2, downgrade: true }],
      validateOnly: false,
    },
  ],
  "set-entries": [
    {
      kind: "set-entries",
      space: "quota",
      changes: [
        { key: "a", value: new Uint8Array([1, 2]) },
        { key: "b", value: null },
      ],
    },
  ],
  "describe-quorum": [{ kind: "describe-quorum" }],
  describe: [{ kind: "describe" }],
};

const fault = { kind: "invalid-config", detail: "no" } as const;

const REPLIES: { readonly [K in ControllerKind]: ControllerReply<K>[] } = {
  "found-cluster": [{ kind: "found-cluster", clusterId }],
  "register-broker": [{ kind: "register-broker", fenced: true }],
  "fence-broker": [{ kind: "fence-broker", fenced: true }],
  "unfence-broker": [{ kind: "unfence-broker", fenced: false }],
  "drain-broker": [{ kind: "drain-broker", draining: true }],
  "remove-broker": [{ kind: "remove-broker", broker }],
  "create-topics": [
    {
      kind: "create-topics",
      topics: [
        {
          name: "x",
          outcome: ok({ topicId, partitions: 3, factor: 1, configs: [{ name: "a", value: "1" }] }),
        },
        { name: "y", outcome: failed(fault) },
      ],
      ready: true,
    },
  ],
  "delete-topics": [
    {
      kind: "delete-topics",
      topics: [
        { name: "x", topicId, outcome: ok(null) },
        { name: null, topicId, outcome: failed(fault) },
        { name: "z", topicId: null, outcome: failed(fault) },
      ],
    },
  ],
  "create-partitions": [
    { kind: "create-partitions", topics: [{ name: "x", outcome: ok(null) }], ready: false },
  ],
  "place-replicas": [{ kind: "place-replicas", outcomes: [ok({ revision: 3 }), failed(fault)] }],
  "settle-placements": [{ kind: "settle-placements", count: 1 }],
  "replace-directory": [{ kind: "replace-directory", replaced: 4 }],
  "alter-configs": [{ kind: "alter-configs", outcomes: [ok(null), failed(fault)] }],
  "alter-configs-incrementally": [{ kind: "alter-configs-incrementally", outcomes: [ok(null)] }],
  "allocate-producer-ids": [{ kind: "allocate-producer-ids", first: 1_000, end: 2_000 }],
  "set-feature-levels": [{ kind: "set-feature-levels", outcomes: [failed(fault)] }],
  "set-entries": [{ kind: "set-entries", changed: 2 }],
  "describe-quorum": [
    {
      kind: "describe-quorum",
      leader: broker,
      term: 3 as Term,
      commit: 8 as LogIndex,
      members: [
        { broker, directory, isVoter: true, end: 9 as LogIndex, contactMs: 5, caughtUpMs: -1 },
      ],
    },
  ],
  describe: [
    { kind: "describe", version: 8 as LogIndex, clusterId },
    { kind: "describe", version: 0 as LogIndex, clusterId: null },
  ],
};

const kinds = Object.keys(REQUEST_SCHEMAS) as ControllerKind[];

test.each(kinds)("%s goes over a link and comes out the same", (kind) => {
  for (const request of REQUESTS[kind]) {
    const bytes = encoded(request);
    expect(decodeRequest(bytes)).toEqual({ ...ATTEMPT, request });
    // Bytes are lent: nothing of them stays in the request.
    const lent = bytes.slice();
    const decoded = decodeRequest(lent);
    lent.fill(0xff);
    expect(decoded).toEqual({ ...ATTEMPT, request });
  }
  for (const reply of REPLIES[kind]) {
    expect(decodeReply(encodeReply(6, kind, ok(reply)))).toEqual({ id: 6, outcome: ok(reply) });
  }
  const refused = encodeReply(7, kind, failed(fault));
  expect(decodeReply(refused)).toEqual({ id: 7, outcome: failed(fault) });
});

test("request numbers are not used twice", () => {
  const numbers = kinds.map((kind) => REQUEST_SCHEMAS[kind].number);
  expect(new Set(numbers).size).toBe(kinds.length);
});

const ATTEMPT = { id: 5, term: 9 as Term, sequence: 8, floor: 7 };

function encoded(request: ControllerRequest): Uint8Array {
  const bytes = encodeRequest(ATTEMPT, request);
  return bytes.ok ? bytes.value : expect.unreachable("the request is valid");
}

test("encodeRequest refuses what cannot be sent", () => {
  const kindOf = (topics: ({ name: string } | { topicId: TopicId })[]): string => {
    const refused = encodeRequest(ATTEMPT, { kind: "delete-topics", topics });
    return refused.ok ? "ok" : refused.fault.kind;
  };
  expect(kindOf([{ name: "x".repeat(5 << 20) }])).toBe("too-large");
  expect(kindOf([{ topicId: "no id" as TopicId }])).toBe("invalid-request");
});

test("bytes from a peer are decoded or refused, never trusted", () => {
  const valid = kinds.map((kind) => encoded(REQUESTS[kind][0]!));
  const broken = fc.tuple(fc.constantFrom(...valid), fc.nat(), fc.nat(255), fc.nat());
  fc.assert(
    fc.property(broken, ([bytes, at, value, cut]) => {
      const hostile = bytes.slice(0, bytes.length - (cut % 4));
      if (hostile.length > 0) hostile[at % hostile.length] = value;
      decodeRequest(hostile);
      decodeReply(hostile);
    }),
    { numRuns: 2_000 },
  );
  expect(decodeRequest(new Uint8Array([]))).toBeNull();
});
