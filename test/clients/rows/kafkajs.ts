// kafkajs: pure JavaScript, no longer maintained and in use everywhere; it speaks old versions of the protocol.
import type { Client } from "../client.ts";
import { nodeDriver } from "../node-driver.ts";

export const kafkajs: Client = {
  name: "kafkajs",
  source: "npm package kafkajs",
  isSlow: false,
  quickKills: ["idempotent, kills", "group, kills"],
  reach: () => Promise.resolve({ driver: { command: nodeDriver("kafkajs") } }),
};
