// Tools for consumer groups: what they list and show of a group with a member and without, and what they change.
import type { Check } from "../client.ts";
import { eventually } from "../../../jepsen-like/cluster/cluster.ts";
import { holds, numbered, same } from "../expect.ts";
import { createTopic } from "../stored.ts";
import { tableRows } from "./tool.ts";
import type { Tools } from "./tool.ts";

const COMMAND = "consumer.group.ConsumerGroupCommand";
const SEEN_MS_MAX = 30_000;
const SENT = 90;
const KIND = { classic: "Classic", consumer: "Consumer" };

interface Subject {
  readonly group: string;
  readonly topic: string;
  readonly protocol: "classic" | "consumer";
}

const CLASSIC: Subject = { group: "tools-group", topic: "tools-group-in", protocol: "classic" };
const NEW: Subject = { group: "tools-new", topic: "tools-new-in", protocol: "consumer" };

/** One after the other: each goes on where the last one left the group. */
export function groupChecks(tools: Tools): readonly Check[] {
  const of = CLASSIC;
  return [live(tools, of), empty(tools, of), reset(tools, of), remove(tools, of), live(tools, NEW)];
}

function live(tools: Tools, of: Subject): Check {
  const { around } = tools;
  return {
    does: `kafka-consumer-groups and kafka-groups show a group with a member (${of.protocol}); its offsets cannot be reset`,
    run: async () => {
      await createTopic(around, of.topic);
      await produce(tools, of, numbered(SENT));
      // It waits for one more than there are, and so stays a member for as long as it is looked at.
      const bounds = ["--max-messages", String(SENT + 1), "--timeout-ms", "100000"];
      const reader = consume(tools, of, ["--from-beginning", ...bounds]);
      reader.catch(() => {});
      await eventually("it is not stable", SEEN_MS_MAX, async () => {
        const [state] = tableRows(await describe(tools, of, "--state"), "GROUP");
        same("its state", state?.slice(-2), ["Stable", "1"]);
      });
      const [member] = tableRows(await describe(tools, of, "--members"), "GROUP");
      same("partitions of its member", member?.at(-1), "3");
      const rows = tableRows(await tools.run("GroupsCommand", ["--list"]), "GROUP");
      same("its kind", rows.find(([name]) => name === of.group)?.slice(1), [
        KIND[of.protocol],
        "consumer",
      ]);
      const refused = await resetTo(tools, of, "--to-earliest");
      holds(
        `a reset is refused: ${refused}`,
        /is in use|not (empty|inactive)|inactive/.test(refused),
      );
      await produce(tools, of, ["value-last"]);
      same("what it reads", (await reader).length, SENT + 1);
    },
  };
}

function empty(tools: Tools, of: Subject): Check {
  return {
    does: "kafka-consumer-groups lists and describes a group without members",
    run: async () => {
      const listed = await tools.run(COMMAND, ["--list"]);
      holds(`it is listed: ${listed}`, listed.split("\n").includes(of.group));
      const states = tableRows(await tools.run(COMMAND, ["--list", "--state", "Empty"]), "GROUP");
      holds(
        `it is empty: ${states.join(";")}`,
        states.some(([name]) => name === of.group),
      );
      const rows = tableRows(await describe(tools, of, "--offsets"), "GROUP");
      same("rows", rows.length, 3);
      for (const [group, topic, partition, current, end, lag] of rows) {
        same("group and topic", [group, topic], [of.group, of.topic]);
        same(`partition ${partition} is read to its end`, [current, lag], [end, "0"]);
      }
    },
  };
}

function reset(tools: Tools, of: Subject): Check {
  return {
    does: "kafka-consumer-groups resets offsets: to a number, by a shift, to a time, to the start; a member goes on from there",
    run: async () => {
      same("to 3", await offsetsAfter(tools, of, "--to-offset", "3"), ["3", "3", "3"]);
      same("back by 2", await offsetsAfter(tools, of, "--shift-by", "-2"), ["1", "1", "1"]);
      const longAgo = "2020-01-01T00:00:00.000";
      same("to a time", await offsetsAfter(tools, of, "--to-datetime", longAgo), ["0", "0", "0"]);
      same("to the start", await offsetsAfter(tools, of, "--to-earliest"), ["0", "0", "0"]);
      const bounds = ["--max-messages", String(SENT + 1), "--timeout-ms", "20000"];
      same("read again", (await consume(tools, of, bounds)).length, SENT + 1);
    },
  };
}

function remove(tools: Tools, of: Subject): Check {
  return {
    does: "kafka-consumer-groups deletes offsets, then the group",
    run: async () => {
      const topic = ["--topic", of.topic];
      const said = await tools.run(COMMAND, ["--delete-offsets", "--group", of.group, ...topic]);
      same("partitions", said.match(/Successful/g)?.length, 3);
      const rest = await tools.run(COMMAND, ["--describe", "--group", of.group]).catch(String);
      holds(`no offset is left: ${rest}`, !rest.includes(of.topic));
      await produce(tools, of, numbered(3));
      const bounds = ["--max-messages", "3", "--timeout-ms", "20000"];
      await consume(tools, of, ["--from-beginning", ...bounds]);
      const deleted = await tools.run(COMMAND, ["--delete", "--group", of.group]);
      holds(deleted, deleted.includes("successful"));
      const listed = await tools.run(COMMAND, ["--list"]);
      holds(`it is gone: ${listed}`, !listed.split("\n").includes(of.group));
    },
  };
}

function describe({ run }: Tools, of: Subject, part: string): Promise<string> {
  return run(COMMAND, ["--describe", "--group", of.group, part]);
}

function resetTo({ run }: Tools, of: Subject, ...words: string[]): Promise<string> {
  const place = ["--group", of.group, "--topic", of.topic, "--execute"];
  return run(COMMAND, ["--reset-offsets", ...place, ...words]).catch(String);
}

/** The offsets that the brokers hold after a reset, by partition. */
async function offsetsAfter(tools: Tools, of: Subject, ...words: string[]): Promise<string[]> {
  await resetTo(tools, of, ...words);
  const rows = tableRows(await describe(tools, of, "--offsets"), "GROUP");
  return rows
    .toSorted(([, , a = ""], [, , b = ""]) => a.localeCompare(b))
    .map((row) => row[3] ?? "?");
}

/** With keys, so that every partition gets some. */
async function produce({ run }: Tools, of: Subject, values: readonly string[]): Promise<void> {
  const lines = values.map((value) => `${value}\t${value}\n`).join("");
  const format = ["--reader-property", "parse.key=true"];
  await run("ConsoleProducer", ["--topic", of.topic, ...format], lines);
}

/** The values that the group's only member reads. */
async function consume({ run }: Tools, of: Subject, words: readonly string[]): Promise<string[]> {
  const place = ["--topic", of.topic, "--group", of.group];
  const protocol = ["--command-property", `group.protocol=${of.protocol}`];
  const text = await run("consumer.ConsoleConsumer", [...place, ...protocol, ...words]);
  return text.split("\n").filter((line) => line.startsWith("value-"));
}
