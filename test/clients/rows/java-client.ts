// Kafka's own client for Java, with either group protocol: the driver in test/clients/drivers/java.
import type { Client, DriverProgram } from "../client.ts";
import { reachJava } from "../java.ts";

const source = "Maven artifact org.apache.kafka:kafka-clients";

function driven(name: string, options: Omit<DriverProgram, "command">): Client {
  return {
    name,
    source,
    isSlow: true,
    async reach(around) {
      const { command } = await reachJava(around);
      return { driver: { command: [...command, "Driver"], ...options } };
    },
  };
}

export const javaClient = driven("Java client", { protocol: "classic" });

/** Everything but groups is the same code as in the row above. */
export const javaClientNewGroups = driven("Java client, group.protocol=consumer", {
  protocol: "consumer",
  columns: ["group", "resume", "group, kills", "resume, kills"],
});
