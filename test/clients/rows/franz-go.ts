// franz-go, from Go: the little program in test/clients/franz-go.
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { NotReached } from "../client.ts";
import type { Client, Surroundings } from "../client.ts";
import { numbered, same } from "../expect.ts";
import { need, run } from "../programs.ts";
import { createTopic, isGone, storedInOrder } from "../stored.ts";

const BUILD_MS_MAX = 600_000;

export const franzGo: Client = {
  name: "franz-go",
  source: "Go module github.com/twmb/franz-go",
  isSlow: true,
  async reach(around) {
    const go = await findGo();
    const folder = join(around.scratch, "franz-go");
    cpSync(join(import.meta.dirname, "..", "franz-go"), folder, { recursive: true });
    const environment = { GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local" };
    await need(go, ["build", "-o", "program", "."], {
      ...{ cwd: folder, environment, withinMs: BUILD_MS_MAX },
    });
    const module = await need(go, ["list", "-m", "github.com/twmb/franz-go"], {
      cwd: folder,
      environment,
    });
    const program = join(folder, "program");
    const checks = [administration(around, program), many(around, program)];
    return { version: module.trim().split(" ")[1] ?? "?", checks };
  },
};

async function findGo(): Promise<string> {
  for (const candidate of ["go", "/usr/local/go/bin/go"]) {
    if (candidate.startsWith("/") && !existsSync(candidate)) continue;
    try {
      await run(candidate, ["version"]);
      return candidate;
    } catch {
      // The next one.
    }
  }
  throw new NotReached("go is not installed");
}

function administration(around: Surroundings, program: string) {
  return {
    does: "creates, describes and deletes a topic",
    run: async () => {
      const words = ["admin", around.bootstrap.join(","), "franz-go-admin"];
      same("what it says", (await run(program, words)).trim(), "partitions=2 brokers=3 deleted");
      await isGone(around, "franz-go-admin");
    },
  };
}

function many(around: Surroundings, program: string) {
  const sent = numbered(around.records);
  return {
    does: `produces, idempotently, and consumes ${sent.length.toLocaleString("en")} records as a group`,
    run: async () => {
      const topic = "franz-go-many";
      await createTopic(around, topic);
      const words = ["many", around.bootstrap.join(","), topic, String(sent.length)];
      const said = (await run(program, words, { withinMs: 120_000 })).trim();
      same("what it says", said, `consumed=${sent.length}`);
      await storedInOrder(around, topic, sent);
    },
  };
}
