// `flotilla group …`: list, describe and delete consumer groups, and move what they have committed.
import { Admin, EARLIEST, LATEST } from "../../../pkg/client/kafka/admin.ts";
import { byPartition, Groups } from "../../../pkg/client/kafka/groups.ts";
import type {
  GroupDescription,
  GroupMember,
  TopicPartition,
} from "../../../pkg/client/kafka/groups.ts";
import type { KafkaClient } from "../../../pkg/client/kafka/kafka-client.ts";
import { CLIENT_OPTIONS, JSON_OPTION, withClient } from "../client/connect.ts";
import { parseStart } from "../client/start-of-reading.ts";
import type { Start } from "../client/start-of-reading.ts";
import { table } from "../client/table.ts";
import type { Command, Invocation, OptionReader } from "../command.ts";
import { EXIT_CODE, usageFailure } from "../exit-code.ts";

const list: Command = {
  name: "group list",
  positionals: "",
  summary: "List consumer groups.",
  about: [],
  options: {
    state: { type: "string", value: "STATE", doc: "Only groups in this state, such as Stable." },
    ...CLIENT_OPTIONS,
    json: JSON_OPTION,
  },
  examples: [
    { line: "flotilla group list", does: "All groups with their states" },
    { line: "flotilla group list --state Empty", does: "Groups that nobody is in" },
  ],
  async run(call) {
    const { options, positionals, terminal } = call;
    if (positionals.length > 0) throw usageFailure("flotilla group list takes no names");
    const state = options.text("state")?.toLowerCase() ?? null;
    return withClient(call, async (client) => {
      const groups = (await new Groups(client).list()).filter(
        (one) => state === null || one.state.toLowerCase() === state,
      );
      if (options.isSet("json")) terminal.print(JSON.stringify(groups));
      else if (groups.length > 0) {
        const rows = groups.map((one) => [one.group, one.type, one.state, String(one.coordinator)]);
        terminal.print(table(["GROUP", "TYPE", "STATE", "COORDINATOR"], rows));
      }
      return EXIT_CODE.ok;
    });
  },
};

const describe: Command = {
  name: "group describe",
  positionals: "GROUP…",
  summary: "Show the members, offsets and lag of groups.",
  about: [
    "LAG is how many records lie between what is committed and the end of the partition. A partition that a member holds and " +
      "of which nothing is committed has neither.",
  ],
  options: { ...CLIENT_OPTIONS, json: JSON_OPTION },
  examples: [
    { line: "flotilla group describe billing", does: "Who reads what, and how far behind" },
    { line: "flotilla group describe billing --json", does: "The same for programs" },
  ],
  async run(call) {
    const { options, terminal } = call;
    const names = groupNames(call);
    return withClient(call, async (client) => {
      const groups = new Groups(client);
      const described = [];
      for (const name of names) {
        const group = await groups.describe(name);
        described.push({ ...group, partitions: await positionsOf(client, groups, group) });
      }
      if (options.isSet("json")) terminal.print(JSON.stringify(described));
      else terminal.print(described.map((one) => describedForPeople(one)).join("\n\n"));
      return EXIT_CODE.ok;
    });
  },
};

interface Position extends TopicPartition {
  readonly committed: number | null;
  readonly end: number | null;
  readonly lag: number | null;
  readonly member: string | null;
  readonly client: string | null;
  readonly host: string | null;
}

/** What is committed or held, with the ends of the logs. A partition that is gone or has no leader has no known end. */
async function positionsOf(
  client: KafkaClient,
  groups: Groups,
  { group, members }: GroupDescription,
): Promise<readonly Position[]> {
  const owners = new Map<string, GroupMember & TopicPartition>();
  for (const member of members) {
    for (const one of member.partitions) owners.set(nameOf(one), { ...member, ...one });
  }
  const committed = new Map((await groups.offsets(group)).map((one) => [nameOf(one), one]));
  const all = new Map<string, TopicPartition>([...owners, ...committed]);
  const positions = [...all].map(async ([name, { topic, partition }]): Promise<Position> => {
    const owner = owners.get(name);
    const offset = committed.get(name)?.offset ?? null;
    const end = await endOf(client, topic, partition);
    return {
      topic,
      partition,
      committed: offset,
      end,
      lag: end === null || offset === null ? null : Math.max(0, end - offset),
      member: owner?.member ?? null,
      client: owner?.client ?? null,
      host: owner?.host ?? null,
    };
  });
  return (await Promise.all(positions)).toSorted(byPartition);
}

async function endOf(
  client: KafkaClient,
  topic: string,
  partition: number,
): Promise<number | null> {
  const { topics } = await client.refresh([topic]);
  const known = topics[0]?.partitions.find((one) => one.partitionIndex === partition);
  if (known === undefined || known.leaderId < 0) return null;
  return new Admin(client).offsetAt(topic, partition, LATEST);
}

function describedForPeople(
  one: GroupDescription & { readonly partitions: readonly Position[] },
): string {
  const assignor = one.assignor === "" ? "" : `, ${one.assignor}`;
  const title =
    `${one.group}  (${one.type}${assignor}; ${one.state}; ` +
    `${one.members.length} members; coordinator ${one.coordinator})`;
  const idle = one.members
    .filter(({ partitions }) => partitions.length === 0)
    .map(({ member, host }) => `  ${member} at ${host} holds no partition`);
  if (one.partitions.length === 0) return [title, ...idle].join("\n");
  const rows = one.partitions.map((position) => [
    position.topic,
    String(position.partition),
    shown(position.committed),
    shown(position.end),
    shown(position.lag),
    position.member ?? "",
    position.client ?? "",
    position.host ?? "",
  ]);
  const head = ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER", "CLIENT", "HOST"];
  return [title, ...idle, table(head, rows)].join("\n");
}

function shown(value: number | null): string {
  return value === null ? "" : String(value);
}

const remove: Command = {
  name: "group delete",
  positionals: "GROUP…",
  summary: "Delete groups and what they committed.",
  about: ["A group that has members is not deleted: its members would start over unasked."],
  options: { ...CLIENT_OPTIONS, json: JSON_OPTION },
  examples: [{ line: "flotilla group delete billing", does: "A group that nobody is in" }],
  async run(call) {
    const { options, terminal } = call;
    const names = groupNames(call);
    return withClient(call, async (client) => {
      const groups = new Groups(client);
      for (const name of names) {
        await groups.remove(name);
        if (!options.isSet("json")) terminal.print(`deleted ${name}`);
      }
      if (options.isSet("json")) {
        terminal.print(JSON.stringify(names.map((group) => ({ group }))));
      }
      return EXIT_CODE.ok;
    });
  },
};

const resetOffsets: Command = {
  name: "group reset-offsets",
  positionals: "GROUP",
  summary: "Move what a group has committed.",
  about: [
    "The group must not have members. Offsets beyond either end of a log are moved to that end. Without --topic, all " +
      "partitions of which the group has committed something are moved.",
  ],
  options: {
    topic: {
      type: "string",
      short: "t",
      multiple: true,
      value: "TOPIC[:N,…]",
      doc: "Only this topic, or these partitions of it; may be repeated.",
    },
    to: {
      type: "string",
      value: "WHERE",
      doc: "earliest, latest, an offset such as 42, or a time: @2026-11-22T10:00:00Z.",
    },
    "shift-by": { type: "string", value: "N", doc: "So many records on, or back with -N." },
    "dry-run": { type: "boolean", short: "n", doc: "Only show what would be committed." },
    ...CLIENT_OPTIONS,
    json: JSON_OPTION,
  },
  examples: [
    {
      line: "flotilla group reset-offsets billing --to earliest --dry-run",
      does: "What it would do",
    },
    { line: "flotilla group reset-offsets billing -t orders --to latest", does: "One topic" },
    { line: "flotilla group reset-offsets billing -t orders:0,1 --to 100", does: "Two partitions" },
    { line: "flotilla group reset-offsets billing --shift-by=-10", does: "Ten records again" },
    {
      line: "flotilla group reset-offsets billing --to @2026-11-22T10:00:00Z",
      does: "What came since ten o'clock",
    },
  ],
  async run(call) {
    const { options, terminal } = call;
    const [group = "", ...more] = groupNames(call);
    if (more.length > 0) throw usageFailure("flotilla group reset-offsets takes one group");
    const target = readTarget(options);
    const chosen = options.list("topic").map(parseTopic);
    return withClient(call, async (client) => {
      const groups = new Groups(client);
      const moves = await plannedMoves(client, groups, group, chosen, target);
      if (moves.length === 0) {
        throw usageFailure(
          `group ${group} has committed nothing`,
          "--topic names what to set offsets of",
        );
      }
      const isDry = options.isSet("dry-run");
      if (!isDry) await groups.setOffsets(group, moves);
      if (options.isSet("json")) {
        terminal.print(JSON.stringify({ group, dryRun: isDry, offsets: moves }));
      } else {
        const rows = moves.map((one) => [
          one.topic,
          String(one.partition),
          shown(one.before),
          String(one.offset),
        ]);
        terminal.print(table(["TOPIC", "PARTITION", "COMMITTED", "NEW"], rows));
        if (isDry) terminal.complain("dry run: nothing was committed");
      }
      return EXIT_CODE.ok;
    });
  },
};

type Target = Start | { readonly shiftBy: number };

function readTarget(options: OptionReader): Target {
  const to = options.text("to");
  const shift = options.text("shift-by");
  if ((to === null) === (shift === null)) {
    throw usageFailure("one of --to and --shift-by", "flotilla help group reset-offsets");
  }
  if (to !== null) return parseStart(to, "group reset-offsets", "to");
  const shiftBy = /^-?\d+$/.test(shift ?? "") ? Number(shift) : Number.NaN;
  if (!Number.isSafeInteger(shiftBy)) {
    throw usageFailure(`--shift-by ${shift ?? ""} is no whole number`);
  }
  return { shiftBy };
}

interface ChosenTopic {
  readonly topic: string;
  /** Null: all of them. */
  readonly partitions: readonly number[] | null;
}

function parseTopic(written: string): ChosenTopic {
  const at = written.lastIndexOf(":");
  if (at < 0) return { topic: written, partitions: null };
  const numbers = written.slice(at + 1).split(",");
  if (at === 0 || numbers.some((one) => !/^\d{1,9}$/.test(one))) {
    throw usageFailure(
      `--topic ${written} is neither TOPIC nor TOPIC:0,1,2`,
      "flotilla help group reset-offsets",
    );
  }
  return { topic: written.slice(0, at), partitions: numbers.map(Number) };
}

interface Move extends TopicPartition {
  readonly before: number | null;
  readonly offset: number;
}

async function plannedMoves(
  client: KafkaClient,
  groups: Groups,
  group: string,
  chosen: readonly ChosenTopic[],
  target: Target,
): Promise<readonly Move[]> {
  const committed = await groups.offsets(group);
  const before = new Map(committed.map((one) => [nameOf(one), one.offset]));
  const partitions: TopicPartition[] = chosen.length === 0 ? [...committed] : [];
  for (const { topic, partitions: some } of chosen) {
    const known = await client.topic(topic);
    const all = known.partitions.map(({ partitionIndex }) => partitionIndex);
    for (const partition of some ?? all) {
      if (!all.includes(partition)) {
        throw usageFailure(`topic ${topic} has no partition ${partition}`);
      }
      partitions.push({ topic, partition });
    }
  }
  const moves = partitions.map(async ({ topic, partition }): Promise<Move> => {
    const held = before.get(nameOf({ topic, partition })) ?? null;
    const offset = await goal(client, { topic, partition }, held, target);
    return { topic, partition, before: held, offset };
  });
  return (await Promise.all(moves)).toSorted(byPartition);
}

/** Where a partition's offset goes, within the log. */
async function goal(
  client: KafkaClient,
  { topic, partition }: TopicPartition,
  held: number | null,
  target: Target,
): Promise<number> {
  const admin = new Admin(client);
  const [start, end] = await Promise.all([
    admin.offsetAt(topic, partition, EARLIEST),
    admin.offsetAt(topic, partition, LATEST),
  ]);
  const within = (offset: number): number => Math.min(end, Math.max(start, offset));
  if ("offset" in target) return within(target.offset);
  if ("shiftBy" in target) {
    if (held !== null) return within(held + target.shiftBy);
    throw usageFailure(`nothing is committed of ${topic}/${partition}, so it cannot be shifted`);
  }
  const found = await admin.offsetAt(topic, partition, target.timestampMs);
  // Nothing is as young as the time asked for: what comes next is.
  return found >= 0 ? found : end;
}

function groupNames({ positionals }: Pick<Invocation, "positionals">): readonly string[] {
  if (positionals.length === 0) throw usageFailure("which group?", "flotilla help group");
  return positionals;
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

export const GROUP_COMMANDS: readonly Command[] = [list, describe, remove, resetOffsets];
