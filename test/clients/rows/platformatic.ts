// @platformatic/kafka: a current client in TypeScript, which speaks the newest versions of the protocol.
import type { Client } from "../client.ts";
import { nodeDriver } from "../node-driver.ts";

const source = "npm package @platformatic/kafka";

export const platformatic: Client = {
  name: "@platformatic/kafka",
  source,
  isSlow: false,
  reach: () => Promise.resolve({ driver: { command: nodeDriver("platformatic") } }),
};

/** Everything but groups is the same code as in the row above. */
export const platformaticNewGroups: Client = {
  name: "@platformatic/kafka, group.protocol=consumer",
  source,
  isSlow: true,
  reach: () => {
    const command = nodeDriver("platformatic");
    const columns = ["group", "resume", "group, kills", "resume, kills"] as const;
    return Promise.resolve({ driver: { command, columns, protocol: "consumer" } });
  },
};
