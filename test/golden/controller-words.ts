// Requests to the controller from the words of a transcript; see controller-transcript.ts.
import type {
  ConfigChange,
  ConfigResource,
  ControllerRequest,
  NewTopic,
} from "../../internal/cluster/controller-requests.ts";
import type { EntrySpace } from "../../internal/cluster/records.ts";
import type {
  BrokerId,
  ClusterId,
  DirectoryId,
  Incarnation,
  TopicId,
} from "../../internal/model/ids.ts";

interface Item {
  readonly word: string;
  readonly named: ReadonlyMap<string, string>;
}



/** 22 characters, as ids are. */
export function idOf<T extends string>(name: string | undefined): T {
  return (name ?? "").padEnd(22, "A") as T;
}

export function requestOf(line: string): ControllerRequest {
  const [kind, ...words] = line.split(" ");
  const validateOnly = words[0] === "validate";
  const items = itemsOf(validateOnly ? words.slice(1) : words);
  const first = items[0] ?? { word: "", named: new Map<string, string>() };
  const broker = Number(first.word) as BrokerId;
  const incarnation = Number(first.named.get("inc") ?? 1) as Incarnation;
  const directory = idOf<DirectoryId>(first.named.get("dir"));
  switch (kind) {
    case "found":
      return { kind: "found-cluster", clusterId: idOf<ClusterId>(first.word) };
    case "register":
      return registration(first, broker, directory, incarnation);
    case "fence":
      return { kind: "fence-broker", broker, incarnation };
    case "unfence":
      return { kind: "unfence-broker", broker, incarnation };
    case "drain":
      return { kind: "drain-broker", broker, incarnation };
    case "remove":
      return { kind: "remove-broker", broker };
    case "create":
      return { kind: "create-topics", topics: items.map(topicOf), validateOnly, readyWithinMs: 0 };
    case "delete":
      return { kind: "delete-topics", topics: items.map(referenceOf) };
    case "partitions": {
      const topics = items.map(({ word: name, named }) => {
        return { name, count: Number(named.get("count")), assignments: listsOf(named.get("assign")) };
      });
      return { kind: "create-partitions", topics, validateOnly, readyWithinMs: 0 };
    }
    case "place":
      return { kind: "place-replicas", changes: items.map(changeOf) };
    case "settle":
      return { kind: "settle-placements", settled: items.map(settledOf) };
    case "replace": {
      const countMax = Number(first.named.get("max") ?? 100);
      return { kind: "replace-directory", broker, directory, countMax };
    }
    case "alter": {
      const resources = items.map(({ word, named }) => {
        return { of: resourceOf(word), configs: pairsOf(named.get("set")) };
      });
      return { kind: "alter-configs", resources, validateOnly };
    }
    case "change": {
      const resources = items.map(({ word, named }) => {
        return { of: resourceOf(word), changes: changesOf(named) };
      });
      return { kind: "alter-configs-incrementally", resources, validateOnly };
    }
    case "producer-ids":
      return { kind: "allocate-producer-ids", broker, incarnation };
    case "features":
      return { kind: "set-feature-levels", features: items.map(featureOf), validateOnly };
    case "entries":
      return entriesOf(words);
    case "describe":
      return { kind: "describe" };
    default:
      throw new Error(`no command ${line}`);
  }
}

function itemsOf(words: readonly string[]): Item[] {
  const groups = words.join(" ").split(" + ");
  return groups.map((group) => {
    const [word = "", ...rest] = group.split(" ");
    return { word, named: new Map(rest.map((pair) => pair.split("=") as [string, string])) };
  });
}

function registration(
  { named }: Item,
  broker: BrokerId,
  directory: DirectoryId,
  incarnation: Incarnation,
): ControllerRequest {
  const listener = { protocol: "kafka", listener: "PLAIN", tls: false, host: `b${broker}` } as const;
  return {
    kind: "register-broker",
    broker,
    directory,
    incarnation,
    rack: named.get("rack") ?? null,
    host: named.get("host") ?? null,
    endpoints: [{ ...listener, port: Number(named.get("port") ?? 9092) }],
    clusterId: idOf<ClusterId>(named.get("cluster") ?? "c1"),
  };
}

function topicOf({ word: name, named }: Item): NewTopic {
  const assigned = listsOf(named.get("assign")).map((brokers, partition) => ({ partition, brokers }));
  const shift = Number(named.get("from") ?? 0);
  const assignments = assigned.map((of) => ({ ...of, partition: of.partition + shift }));
  const fallback = assignments.length > 0 ? -1 : 1;
  return {
    topicId: idOf<TopicId>(named.get("id") ?? `T-${name}`),
    name: name === "~" ? "" : name.replace("~250", "n".repeat(250)),
    partitions: Number(named.get("partitions") ?? fallback),
    factor: Number(named.get("factor") ?? fallback),
    assignments,
    configs: pairsOf(named.get("set")),
  };
}

function referenceOf({ word }: Item): { name: string } | { topicId: TopicId } {
  return word.startsWith("id=") ? { topicId: idOf<TopicId>(word.slice(3)) } : { name: word };
}

function listsOf(text: string | undefined): BrokerId[][] {
  if (text === undefined) return [];
  return text.split("/").map((list) => (list === "" ? [] : list.split(",").map(Number)) as BrokerId[]);
}

function settledOf({ word, named }: Item): { topicId: TopicId; partition: number; revision: number } {
  const [topic, partition] = word.split("/");
  const revision = Number(named.get("revision"));
  return { topicId: idOf<TopicId>(topic), partition: Number(partition), revision };
}

function changeOf(item: Item): ReturnType<typeof settledOf> & { brokers: BrokerId[] } {
  return { ...settledOf(item), brokers: listsOf(item.named.get("brokers"))[0] ?? [] };
}

function resourceOf(word: string): ConfigResource {
  const [resource, name = ""] = word.split("=");
  if (resource === "topic" || resource === "group") return { resource, name };
  return { resource: "broker", broker: name === "all" ? null : (Number(name) as BrokerId) };
}

/** `name:value` pairs; a value `-` is null. */
function pairsOf(text: string | undefined): { name: string; value: string | null }[] {
  if (text === undefined) return [];
  return text.split(",").map((pair) => {
    const [name = "", value = ""] = pair.split(":");
    return { name, value: value === "-" ? null : value };
  });
}

function changesOf(named: ReadonlyMap<string, string>): ConfigChange[] {
  return [...named].flatMap(([operation, text]) =>
    pairsOf(text).map((pair) => ({ ...pair, operation: operation as ConfigChange["operation"] })),
  );
}

function featureOf({ word, named }: Item): { feature: string; level: number; downgrade: boolean } {
  const [feature = "", level] = word.split("=");
  return { feature, level: Number(level), downgrade: named.get("downgrade") === "true" };
}

function entriesOf([space, pairs]: readonly string[]): ControllerRequest {
  const changes = pairsOf(pairs).map(({ name, value }) => {
    return { key: name, value: value === null ? null : new TextEncoder().encode(value) };
  });
  return { kind: "set-entries", space: space as EntrySpace, changes };
}
