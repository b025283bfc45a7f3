// node-rdkafka: a recent librdkafka under Node.
import { join } from "node:path";
import type { Client } from "../client.ts";
import { reachRdkafka } from "../rdkafka.ts";

const DRIVER = join(import.meta.dirname, "..", "drivers", "node-rdkafka", "driver.cjs");

export const nodeRdkafka: Client = {
  name: "node-rdkafka",
  source: "npm package node-rdkafka",
  isSlow: false,
  faults: [
    "`disconnect()` of a consumer that is being given records does not end (3.6.1). The " +
      "driver unsubscribes first.",
  ],
  async reach(around) {
    const { node, environment } = await reachRdkafka(around);
    return { driver: { command: [node, DRIVER], environment } };
  },
};
