// Kafka Streams: a word count with internal topics, at least once. What is fed is known, so that every count is known too; the
// counts are read from the brokers, not from the application. Its program is drivers/java/WordCount.java.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../../jepsen-like/cluster/cluster.ts";
import type { Check, Client, Surroundings } from "../client.ts";
import { DriverProcess } from "../driver.ts";
import { holds, same } from "../expect.ts";
import { Feed } from "../feed.ts";
import { reachJava } from "../java.ts";
import type { Java } from "../java.ts";
import { createTopic, isGone, partitionsOf, readStored } from "../stored.ts";
import { toolsOf } from "../tools/tool.ts";

const PARTITIONS = 3;
const RUNNING_MS_MAX = 60_000;
const COUNTED_MS_MAX = 90_000;
const END_MS_MAX = 30_000;
const BETWEEN_FAULTS_MS = 2_000;

export const kafkaStreams: Client = {
  name: "Kafka Streams",
  source: "Maven artifact org.apache.kafka:kafka-streams",
  isSlow: true,
  async reach(around) {
    const java = await reachJava(around);
    const checks = [calm(around, java), again(around, java), underFaults(around, java)];
    return { version: java.version, checks };
  },
};

function calm(around: Surroundings, java: Java): Check {
  return {
    does: "counts words through a repartition topic and a compacted changelog, each word exactly once",
    run: async () => {
      const app = await Application.prepare(around, java, "streams-calm");
      try {
        await app.start();
        await app.feed.more(3_000);
        await app.counted(same);
        await app.stop();
        for (const role of ["repartition", "changelog"]) {
          const partitions = await partitionsOf(around, `streams-calm-counts-${role}`);
          same(`partitions of the ${role} topic`, partitions.length, PARTITIONS);
        }
      } finally {
        await app.end();
      }
    },
  };
}

function again(around: Surroundings, java: Java): Check {
  return {
    does: "counts everything once more after kafka-streams-application-reset, which deletes the internal topics and resets the group",
    run: async () => {
      const app = await Application.prepare(around, java, "streams-again");
      const { run } = toolsOf(around, java);
      try {
        await app.start();
        await app.feed.more(1_000);
        await app.counted(same);
        await app.stop();
        const before = await readStored(around, `${app.name}-totals`);
        const said = await run("StreamsResetter", [
          ...["--application-id", app.name, "--input-topics", app.input],
          // The group forgets a member that ended without a word only when its session is over.
          "--force",
        ]);
        holds(said, said.includes(`${app.name}-counts-changelog`));
        for (const role of ["repartition", "changelog"]) {
          await isGone(around, `${app.name}-counts-${role}`);
        }
        app.forgetState();
        await app.start();
        await eventually("nothing is counted again", COUNTED_MS_MAX, async () => {
          const { records } = await readStored(around, `${app.name}-totals`);
          holds(`${records} records`, records > before.records);
        });
        await app.counted(same);
        await app.stop();
      } finally {
        await app.end();
      }
    },
  };
}

function underFaults(around: Surroundings, java: Java): Check {
  return {
    does: "counts every word at least once while a leader, the group's coordinator and the application itself are killed; the state is restored from the changelog",
    run: async () => {
      const app = await Application.prepare(around, java, "streams-faults");
      try {
        await app.start();
        app.feed.start();
        await pause(BETWEEN_FAULTS_MS);
        await around.faults.killLeader(app.input);
        await pause(BETWEEN_FAULTS_MS);
        await app.killed();
        app.forgetState();
        await app.start();
        await around.faults.killCoordinator(app.name, app.input);
        await pause(BETWEEN_FAULTS_MS);
        await app.feed.stop();
        await app.counted((what, seen, expected) => {
          holds(`${what}: ${seen} instead of at least ${expected}`, seen >= expected);
        });
        await app.stop();
      } finally {
        await app.end();
      }
    },
  };
}

class Application {
  readonly name: string;
  readonly input: string;
  readonly feed: Feed;
  readonly #around: Surroundings;
  readonly #java: Java;
  readonly #state: string;
  #process: DriverProcess | null = null;

  private constructor(around: Surroundings, java: Java, name: string, feed: Feed) {
    this.#around = around;
    this.#java = java;
    this.name = name;
    this.input = `${name}-words`;
    this.feed = feed;
    this.#state = join(around.scratch, name);
  }

  static async prepare(around: Surroundings, java: Java, name: string): Promise<Application> {
    for (const topic of ["words", "totals"])
      await createTopic(around, `${name}-${topic}`, PARTITIONS);
    const feed = await Feed.open(around.kafka, `${name}-words`, PARTITIONS);
    return new Application(around, java, name, feed);
  }

  /** Resolves when it runs. */
  async start(): Promise<void> {
    let state = "";
    const action = {
      action: "consume",
      bootstrap: this.#around.bootstrap.join(","),
      application: this.name,
      input: this.input,
      output: `${this.name}-totals`,
      stateDirectory: this.#state,
    } as const;
    const errors: string[] = [];
    const running = new DriverProcess(
      { command: [...this.#java.command, "WordCount"] },
      action,
      (line) => {
        state = (line as { readonly state?: string }).state ?? state;
        if (line.error !== undefined) errors.push(line.error);
      },
    );
    this.#process = running;
    await eventually("the application does not run", RUNNING_MS_MAX, async () => {
      if (errors.length === 0) running.check();
      same("errors", errors, []);
      same("its state", state, "RUNNING");
    });
  }

  async stop(): Promise<void> {
    this.#process?.stop();
    await this.#process?.ended(END_MS_MAX);
    this.#process = null;
  }

  async killed(): Promise<void> {
    await this.#process?.killed();
    this.#process = null;
  }

  /** What it kept on this machine. */
  forgetState(): void {
    rmSync(this.#state, { recursive: true, force: true });
  }

  /** However the check ended. */
  async end(): Promise<void> {
    await this.killed();
    await this.feed.stop().catch(() => {});
    this.forgetState();
  }

  /** Waits until the newest count of every word is what `judge` accepts. */
  async counted(judge: (what: string, seen: number, expected: number) => void): Promise<void> {
    const expected = countsOf(this.feed.stored);
    await eventually("the counts are not right", COUNTED_MS_MAX, async () => {
      this.#process?.check();
      const { values } = await readStored(this.#around, `${this.name}-totals`);
      // A word has one partition, where its counts stand in their order.
      const totals = new Map(values.flat().map((text) => text.split("=") as [string, string]));
      for (const [word, count] of expected) judge(word, Number(totals.get(word) ?? 0), count);
    });
  }
}

/** What the program makes of the records below `end`. */
function countsOf(end: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let n = 0; n < end; n++) {
    for (const word of [`a${n % 7}`, `b${n % 11}`]) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}
