// kafkajs: pure JavaScript, no longer maintained and in use everywhere; it speaks old versions of the protocol.
import type { Client } from "../client.ts";
import { nodeDriver } from "../node-driver.ts";

export const kafkajs: Client = {
  name: "kafkajs",
  source: "npm package kafkajs",
  isSlow: false,
  faults: [
    "When a retry finds a partition at a broker that has answered already for another one, " +
      "that answer counts for both: `send()` resolves without a result for the partition and " +
      "its records are never sent (`src/producer/sendMessages.js`, `brokersWithoutResponse`; " +
      "its issue 1303). The driver compares the results and reports the records as failed.",
    "After that an idempotent producer gives the sequence number of what it skipped to the " +
      "next record. Where the dead leader had stored the skipped one, its successor rightly " +
      "takes the next for a duplicate, and an acknowledged record is missing. The driver " +
      "opens a new producer.",
  ],
  quickKills: ["idempotent, kills", "group, kills"],
  reach: () => Promise.resolve({ driver: { command: nodeDriver("kafkajs") } }),
};
