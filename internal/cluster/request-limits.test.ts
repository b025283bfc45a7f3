// A request is carried out in one piece and answered in one message, so it names a limited number of things: an answer
// that did not fit into a frame of the links would end the broker that leads the controller.
import { expect, test } from "vitest";
import { ok } from "../base/result.ts";
import type {
  BrokerId,
  ClusterId,
  DirectoryId,
  Incarnation,
  LogIndex,
  Term,
  TopicId,
} from "../model/ids.ts";
import { FRAME_BODY_BYTES_MAX } from "../transport/limits.ts";
import { NO_UNDO } from "../statelog/machine.ts";
import { ClusterState } from "./cluster-state.ts";
import type { ControllerContext } from "./controller-context.ts";
import { ControllerDesk } from "./controller-desk.ts";
import type { ControllerLog } from "./controller-desk.ts";
import type { ControllerRequest } from "./controller-requests.ts";
import { controllerMachine } from "./controller.ts";
import { MetadataImage } from "./image.ts";
import type { TopicReadiness } from "./readiness.ts";
import { randomId } from "./random-id.ts";
import { encodeRequest } from "./request-codec.ts";

let drawn = 0;
const entropy = {
  below: () => 0,
  fill: (into: Uint8Array) => {
    new DataView(into.buffer, into.byteOffset).setUint32(0, ++drawn);
  },
};
const rules = { refusal: () => null, listDefault: () => null };
const context = {
  entropy,
  settings: () => ({}),
  topicConfigs: rules,
  brokerConfigs: rules,
  groupConfigs: rules,
  highestTerm: () => 0,
} as unknown as ControllerContext;

const image = new MetadataImage();
const directory = randomId(entropy) as DirectoryId;
/** Nothing here waits for a topic to be ready. */
const readiness = {} as TopicReadiness;

/** What a broker that leads group 0 sends back to one that forwarded `request`; null when it could not be sent there. */
function replyTo(request: ControllerRequest): Uint8Array | null {
  const machine = controllerMachine(context);
  const state = new ClusterState();
  state.clusterId = randomId(entropy) as ClusterId;
  const own = { broker: 2 as BrokerId, directory, incarnation: 1 as Incarnation };
  const where = { rack: null, host: null, endpoints: [] };
  state.apply({ kind: "broker-registered", ...own, ...where }, NO_UNDO);
  const term = 1 as Term;
  const log: Pick<ControllerLog, "submit" | "leadingTerm"> = {
    leadingTerm: term,
    submit: (asked, answer) => {
      const decided = machine.handle(state, asked, context);
      answer(decided.ok ? ok(decided.value.reply) : decided, 0 as LogIndex);
    },
  };
  const message = encodeRequest({ id: 1, term, sequence: 1, floor: 1 }, request);
  if (!message.ok) return null;
  let sent: Uint8Array | null = null;
  new ControllerDesk(log, image, readiness).received(own, message.value, (_to, reply) => {
    sent = reply;
  });
  return sent;
}

const name = (of: number): string => of.toString(36);
const ITEMS = [9_000, 11_000, 245_000, 370_000] as const;
const WITH_ITEMS: readonly [string, (count: number) => ControllerRequest][] = [
  [
    "topics to delete, by name",
    (count) => ({
      kind: "delete-topics",
      topics: Array.from({ length: count }, (_, k) => ({ name: name(k) })),
    }),
  ],
  [
    "topics to delete, by id",
    (count) => ({
      kind: "delete-topics",
      topics: Array.from({ length: count }, () => ({ topicId: randomId(entropy) as TopicId })),
    }),
  ],
  [
    "topics to extend",
    (count) => ({
      kind: "create-partitions",
      topics: Array.from({ length: count }, (_, k) => ({
        name: name(k),
        count: 2,
        assignments: [],
      })),
      validateOnly: false,
      readyWithinMs: 0,
    }),
  ],
  [
    "resources to configure",
    (count) => ({
      kind: "alter-configs-incrementally",
      resources: Array.from({ length: count }, (_, k) => ({
        of: { resource: "topic", name: name(k) },
        changes: [],
      })),
      validateOnly: false,
    }),
  ],
];

test.each(WITH_ITEMS)("an answer to any number of %s fits into a frame", (_, request) => {
  for (const count of ITEMS) {
    const reply = replyTo(request(count));
    if (reply !== null) expect(reply.length).toBeLessThan(FRAME_BODY_BYTES_MAX);
    if (count === ITEMS[0]) expect(reply?.length).toBeGreaterThan(count * 10);
  }
});
