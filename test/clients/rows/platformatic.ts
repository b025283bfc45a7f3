// @platformatic/kafka: a current client in TypeScript, which speaks the newest versions of the protocol.
import type { Client } from "../client.ts";
import { nodeDriver } from "../node-driver.ts";

const faults = [
  "A fetch whose leader died is repeated at the next leader, where another fetch of the same consumer uses the one fetch " +
    "session of that broker (`#fetchSessions` in `consumer.js`): the broker refuses an epoch that was used, the stream ends " +
    "with an error, and the driver opens a new consumer.",
];
const source = "npm package @platformatic/kafka";

export const platformatic: Client = {
  name: "@platformatic/kafka",
  source,
  faults,
  isSlow: false,
  reach: () => Promise.resolve({ driver: { command: nodeDriver("platformatic") } }),
};

/** Everything but groups is the same code as in the row above. */
export const platformaticNewGroups: Client = {
  name: "@platformatic/kafka, group.protocol=consumer",
  source,
  faults,
  isSlow: true,
  reach: () => {
    const command = nodeDriver("platformatic");
    const columns = ["group", "resume", "group, kills", "resume, kills"] as const;
    return Promise.resolve({ driver: { command, columns, protocol: "consumer" } });
  },
};
