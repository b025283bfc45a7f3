// Clients for Go: the drivers in test/clients/drivers/go.
import type { Client, DriverProgram } from "../client.ts";
import { reachGoDriver } from "../go.ts";

function driven(
  name: string,
  module: string,
  driver: string,
  options: Omit<DriverProgram, "command"> = {},
): Client {
  return {
    name,
    source: `Go module ${module}`,
    isSlow: true,
    async reach(around) {
      return { driver: { command: [await reachGoDriver(around, driver)], ...options } };
    },
  };
}

const FRANZ_GO = "github.com/twmb/franz-go";

export const franzGo = driven("franz-go", FRANZ_GO, "franz-go");

/** Everything but groups is the same code as in the row above. */
export const franzGoNewGroups = driven("franz-go, ServerSideBalancer", FRANZ_GO, "franz-go", {
  protocol: "consumer",
  columns: ["group", "resume", "group, kills", "resume, kills"],
});

export const sarama = driven("sarama", "github.com/IBM/sarama", "sarama");
