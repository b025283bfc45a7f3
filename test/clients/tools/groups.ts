// Tools for consumer groups: what they list and show of a group with a member and without, and what they change.
import type { Check } from "../client.ts";
import { eventually } from "../../../jepsen-like/cluster/cluster.ts";
import { holds, numbered, same } from "../expect.ts";
import { createTopic } from "../stored.ts";
import { tableRows } from "./tool.ts";
import type { Tools } from "./tool.ts";

const COMMAND = "consumer.group.ConsumerGroupCommand";
const GROUP = "tools-group";
const TOPIC = "tools-group-topic";
const SEEN_MS_MAX = 30_000;
const SENT = 90;

/** One after the other: each goes on where the last one left the group. */
export function groupChecks(tools: Tools): readonly Check[] {
  return [live(tools), empty(tools), reset(tools), remove(tools)];
}

function live(tools: Tools): Check {
  const { around } = tools;
  return {
    does: "kafka-consumer-groups and kafka-groups show a group with a member; its offsets cannot be reset",
    run: async () => {
      await createTopic(around, TOPIC);
      await produce(tools, numbered(SENT));
      // It waits for one more than there are, and so stays a member for as long as it is looked at.
      const bounds = ["--max-messages", String(SENT + 1), "--timeout-ms", "100000"];
      const reader = consume(tools, ["--from-beginning", ...bounds]);
      reader.catch(() => {});
      await eventually("it is not stable", SEEN_MS_MAX, async () => {
        const [state] = tableRows(await describe(tools, "--state"), "GROUP");
        same("its state", state?.slice(-2), ["Stable", "1"]);
      });
      const [member] = tableRows(await describe(tools, "--members"), "GROUP");
      same("partitions of its member", member?.at(-1), "3");
      const rows = tableRows(await tools.run("GroupsCommand", ["--list"]), "GROUP");
      same("its kind", rows.find(([name]) => name === GROUP)?.slice(1), ["Classic", "consumer"]);
      const refused = await resetTo(tools, "--to-earliest");
      holds(
        `a reset is refused: ${refused}`,
        /is in use|not (empty|inactive)|inactive/.test(refused),
      );
      await produce(tools, ["value-last"]);
      same("what it reads", (await reader).length, SENT + 1);
    },
  };
}

function empty(tools: Tools): Check {
  return {
    does: "kafka-consumer-groups lists and describes a group without members",
    run: async () => {
      const listed = await tools.run(COMMAND, ["--list"]);
      holds(`it is listed: ${listed}`, listed.split("\n").includes(GROUP));
      const states = tableRows(await tools.run(COMMAND, ["--list", "--state", "Empty"]), "GROUP");
      holds(
        `it is empty: ${states.join(";")}`,
        states.some(([name]) => name === GROUP),
      );
      const rows = tableRows(await describe(tools, "--offsets"), "GROUP");
      same("rows", rows.length, 3);
      for (const [group, topic, partition, current, end, lag] of rows) {
        same("group and topic", [group, topic], [GROUP, TOPIC]);
        same(`partition ${partition} is read to its end`, [current, lag], [end, "0"]);
      }
    },
  };
}

function reset(tools: Tools): Check {
  return {
    does: "kafka-consumer-groups resets offsets: to a number, by a shift, to a time, to the start; a member goes on from there",
    run: async () => {
      same("to 3", await offsetsAfter(tools, "--to-offset", "3"), ["3", "3", "3"]);
      same("back by 2", await offsetsAfter(tools, "--shift-by", "-2"), ["1", "1", "1"]);
      const longAgo = "2020-01-01T00:00:00.000";
      same("to a time", await offsetsAfter(tools, "--to-datetime", longAgo), ["0", "0", "0"]);
      same("to the start", await offsetsAfter(tools, "--to-earliest"), ["0", "0", "0"]);
      const bounds = ["--max-messages", String(SENT + 1), "--timeout-ms", "20000"];
      same("read again", (await consume(tools, bounds)).length, SENT + 1);
    },
  };
}

function remove(tools: Tools): Check {
  return {
    does: "kafka-consumer-groups deletes offsets, then the group",
    run: async () => {
      const topic = ["--topic", TOPIC];
      const said = await tools.run(COMMAND, ["--delete-offsets", "--group", GROUP, ...topic]);
      same("partitions", said.match(/Successful/g)?.length, 3);
      const rest = await tools.run(COMMAND, ["--describe", "--group", GROUP]).catch(String);
      holds(`no offset is left: ${rest}`, !rest.includes(TOPIC));
      await produce(tools, numbered(3));
      await consume(tools, ["--from-beginning", "--max-messages", "3", "--timeout-ms", "20000"]);
      const deleted = await tools.run(COMMAND, ["--delete", "--group", GROUP]);
      holds(deleted, deleted.includes("successful"));
      const listed = await tools.run(COMMAND, ["--list"]);
      holds(`it is gone: ${listed}`, !listed.split("\n").includes(GROUP));
    },
  };
}

function describe({ run }: Tools, part: string): Promise<string> {
  return run(COMMAND, ["--describe", "--group", GROUP, part]);
}

function resetTo({ run }: Tools, ...words: string[]): Promise<string> {
  const place = ["--group", GROUP, "--topic", TOPIC, "--execute"];
  return run(COMMAND, ["--reset-offsets", ...place, ...words]).catch(String);
}

/** The offsets that the brokers hold after a reset, by partition. */
async function offsetsAfter(tools: Tools, ...words: string[]): Promise<string[]> {
  await resetTo(tools, ...words);
  const rows = tableRows(await describe(tools, "--offsets"), "GROUP");
  return rows
    .toSorted(([, , a = ""], [, , b = ""]) => a.localeCompare(b))
    .map((row) => row[3] ?? "?");
}

/** With keys, so that every partition gets some. */
async function produce({ run }: Tools, values: readonly string[]): Promise<void> {
  const lines = values.map((value) => `${value}\t${value}\n`).join("");
  const format = ["--reader-property", "parse.key=true"];
  await run("ConsoleProducer", ["--topic", TOPIC, ...format], lines);
}

/** The values that the group's only member reads. */
async function consume({ run }: Tools, words: readonly string[]): Promise<string[]> {
  const text = await run("consumer.ConsoleConsumer", [
    "--topic",
    TOPIC,
    "--group",
    GROUP,
    ...words,
  ]);
  return text.split("\n").filter((line) => line.startsWith("value-"));
}
