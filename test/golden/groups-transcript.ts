// The command language of the transcripts in test/golden/groups. A line is one request to the coordinator, or something
// that happens to it; below it stand the records that were committed and the answers that came. Member ids are written
// short: `A-1` is the first id that was given out, to client A.
//
//   settings delay=3000 size=4 groups=3                    limits of the broker
//   join g client=A id=A-1 instance=i session=10000 rebalance=30000 type=consumer protocols=range:x,rr:y v=9
//   sync g id=A-1 gen=1 instance=i type=consumer protocol=range assign=A-1:p0,B-2:p1
//   beat g id=A-1 gen=1 instance=i
//   leave g A-1 /i A-1/i                                   by id, by instance, by both
//   offsets g id=A-1 gen=1 instance=i t/0:5:note t/1:6     commits; retention=1000: with an expiry of their own
//   fetch g t/0 t/1                                        no partitions: everything
//   describe g, list, delete g, delete-offsets g t/0, forget t
//   pass 3000                                              time
//   hold, commit                                           entries stay uncommitted; commit all
//   refuse busy                                            what the log says to the next entry
//   silence, contact                                       the broker may not answer (L5); it may again
//   depose survivors=1                                     the coordinator changes, and this broker leads again
//
// The commands of consumer groups are in consumer-commands.ts.
import { groupCodec } from "../../internal/coordinator/group-codec.ts";
import type { GroupRecord } from "../../internal/coordinator/group-records.ts";
import type { JoinAnswer, SyncAnswer } from "../../internal/coordinator/group-requests.ts";
import type { NamedPartition } from "../../internal/coordinator/group-offsets.ts";
import { encodeSubscription } from "../../internal/schema/consumer-protocol.ts";
import type { Entropy } from "../../internal/ports/entropy.ts";
import { consumerCommand, consumerSettings } from "./consumer-commands.ts";
import { assignedText, consumerRecordText, ownedByName } from "./consumer-words.ts";
import { longId, Words } from "./group-words.ts";
import { GroupsStage } from "../property/groups-stage.ts";

const LONG_ID = /-00000000-0000-4000-8000-0*([1-9]\d*)/g;
/** The bytes of a request are lent until the call returns. */
const LENT = 0xee;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Ids count up, so that a transcript can name them. */
function countingEntropy(): Entropy {
  let count = 0;
  return {
    below: () => 0,
    fill: (into) => {
      into.fill(0);
      const digits = String(++count).padStart(12, "0");
      for (let at = 0; at < 6; at++) into[10 + at] = parseInt(digits.slice(2 * at, 2 * at + 2), 16);
    },
  };
}

export class GroupsTranscript {
  readonly #stage = new GroupsStage(1, countingEntropy());
  #lines: string[] = [];
  #printed = 0;
  #isHeld = false;

  constructor() {
    this.#stage.group.elect(0, 0);
  }

  run(block: readonly string[]): string[] {
    this.#lines = [];
    for (const line of block) {
      if (block.length > 1) this.#lines.push(`> ${line}`);
      const [name = "", ...words] = line.split(" ");
      this.#command(name, new Words(words));
      this.#settle();
    }
    return this.#lines.length > 0 ? this.#lines : ["nothing"];
  }

  #say(text: string): void {
    this.#lines.push(text.replaceAll(LONG_ID, "-$1"));
  }

  /** Ends the turn, and commits what came of it unless the log is held. */
  #settle(): void {
    const { clock, group } = this.#stage;
    for (let turns = 0; turns < 3; turns++) {
      clock.endTurn();
      this.#printRecords(this.#isHeld ? 0 : group.tailLength);
    }
  }

  /** Records are written before the answers that wait for them. */
  #printRecords(toCommit: number): void {
    const { group } = this.#stage;
    const before = this.#lines.length;
    group.commit(toCommit);
    const answers = this.#lines.splice(before);
    for (const { payload } of group.committed.slice(this.#printed)) {
      const records = groupCodec.decode(payload, 0, payload.length);
      if (!records.ok) throw new Error(records.fault.detail);
      for (const record of records.value) this.#say(`  * ${recordText(record)}`);
    }
    this.#printed = group.committed.length;
    this.#lines.push(...answers);
  }

  #command(name: string, words: Words): void {
    const stage = this.#stage;
    switch (name) {
      case "settings":
        stage.groupsMax = words.number("groups", stage.groupsMax);
        stage.settings.initialDelayMs = words.number("delay", stage.settings.initialDelayMs);
        stage.settings.membersMax = words.number("size", stage.settings.membersMax);
        stage.settings.consumer = consumerSettings(stage.settings.consumer, words);
        return;
      case "topic":
        return stage.topics.put(words.plain[0] ?? "", Number(words.plain[1]));
      case "topic-gone":
        return stage.topics.remove(words.plain[0] ?? "");
      case "pass":
        return this.#pass(Number(words.plain[0]));
      case "hold":
        this.#isHeld = true;
        return;
      case "commit":
        this.#isHeld = false;
        return;
      case "refuse":
        stage.group.refuseNext = words.plain[0] as "busy";
        return;
      case "silence":
        stage.refusal = "not-coordinator";
        return;
      case "contact":
        stage.refusal = null;
        return;
      case "depose":
        this.#isHeld = false;
        return stage.group.elect(0, words.number("survivors", 0));
      default:
        return this.#request(name, words);
    }
  }

  #pass(ms: number): void {
    const { clock, group } = this.#stage;
    const until = clock.ms + ms;
    while (clock.ms < until) {
      clock.pass(Math.min(100, until - clock.ms));
      this.#printRecords(this.#isHeld ? 0 : group.tailLength);
    }
  }

  #request(name: string, words: Words): void {
    const { leader } = this.#stage;
    const [group = "", ...rest] = words.plain;
    switch (name) {
      case "join":
        return this.#join(group, words);
      case "sync":
        return this.#sync(group, words);
      case "beat":
        return this.#say(leader.heartbeat({ group, ...words.claim }) ?? "ok");
      case "leave": {
        const members = rest.map((word) => {
          const [memberId = "", instanceId = null] = word.split("/");
          return { memberId: memberId === "" ? "" : longId(memberId), instanceId };
        });
        return leader.leave({ group, members }, ({ fault, members: faults }) =>
          this.#say(fault ?? faults.map((one) => one ?? "ok").join(" ")),
        );
      }
      case "describe": {
        const found = leader.describe(group);
        if (!found.ok) return this.#say(found.fault);
        const { phase, protocolType, protocol, members } = found.value;
        this.#say(`${phase} type=${protocolType} protocol=${protocol}`);
        for (const { memberId, metadata, assignment } of members) {
          this.#say(`  ${memberId} ${textOf(metadata)} -> ${textOf(assignment)}`);
        }
        return;
      }
      case "list": {
        const listed = leader.list();
        if (!listed.ok) return this.#say(listed.fault);
        const texts = listed.value.map(
          ({ group: id, type, protocolType, phase }) =>
            `${id} ${type === "classic" ? protocolType : `(${type})`} ${phase}`,
        );
        return this.#say(texts.length > 0 ? texts.join(", ") : "none");
      }
      case "forget":
        this.#stage.topics.forget(group);
        return leader.forgetTopic(group);
      case "live":
      case "look":
        return consumerCommand(name, leader, group, words, (text) => this.#say(text));
      default:
        return this.#offsets(name, group, rest, words);
    }
  }

  #join(group: string, words: Words): void {
    const client = words.text("client", "A");
    const { memberId, instanceId } = words.claim;
    const version = words.number("v", 9);
    const sessionTimeoutMs = words.number("session", 10_000);
    const protocols = words
      .text("protocols", "range:t")
      .split(",")
      .filter((word) => word !== "")
      .map((word) => {
        const [name = "", topic = ""] = word.split(":");
        return { name, metadata: metadataOf(topic, words.textOrNull("owned")) };
      });
    this.#stage.leader.join(
      {
        group,
        memberId,
        instanceId,
        clientId: client,
        clientHost: "/h",
        sessionTimeoutMs,
        rebalanceTimeoutMs: words.number("rebalance", 30_000),
        protocolType: words.text("type", "consumer"),
        protocols,
        requiresMemberId: version >= 4,
        knowsSkip: version >= 9,
      },
      (answer) => this.#say(`${client} joined: ${joinText(answer)}`),
    );
    for (const { metadata } of protocols) metadata.fill(LENT);
  }

  #sync(group: string, words: Words): void {
    const assignments = words
      .text("assign", "")
      .split(",")
      .filter((word) => word !== "")
      .map((word) => {
        const [id = "", bytes = ""] = word.split(":");
        return { memberId: longId(id), assignment: assignmentOf(bytes) };
      });
    const { claim } = words;
    this.#stage.leader.sync(
      {
        group,
        ...claim,
        protocolType: words.textOrNull("type"),
        protocol: words.textOrNull("protocol"),
        assignments,
      },
      (answer) => this.#say(`${claim.memberId} synced: ${syncText(answer)}`),
    );
    for (const { assignment } of assignments) assignment.fill(LENT);
  }

  #offsets(name: string, group: string, rest: readonly string[], words: Words): void {
    const { leader, topics } = this.#stage;
    switch (name) {
      case "offsets": {
        const offsets = rest.map((word) => {
          const [place = "", offset = "0", metadata = ""] = word.split(":");
          const placed = placeOf(place);
          return { ...placed, log: topics.logOf(placed.topic), offset: Number(offset), leaderEpoch: -1, metadata };
        });
        const retentionMs = words.number("retention", -1);
        return leader.commit({ group, ...words.claim, retentionMs, offsets }, (fault) =>
          this.#say(`committed: ${fault ?? "ok"}`),
        );
      }
      case "fetch": {
        const claim = { memberId: words.claim.memberId, memberEpoch: words.claim.generation };
        const wanted = rest.length > 0 ? rest.map(placeOf) : null;
        const done: Parameters<typeof leader.fetch>[2] = (outcome) => {
          if (!outcome.ok) return this.#say(`fetched: ${outcome.fault}`);
          const texts = outcome.value.map(
            ({ topic, partition, committed }) =>
              `${topic}/${partition}:${committed?.offset ?? "-"}${committed?.metadata ? ":" + committed.metadata : ""}`,
          );
          this.#say(`fetched: ${texts.join(" ") || "nothing"}`);
        };
        return leader.fetch(group, wanted, done, claim);
      }
      case "delete":
        return leader.deleteGroup(group, (fault) => this.#say(`deleted: ${fault ?? "ok"}`));
      case "delete-offsets":
        return leader.deleteOffsets(group, rest.map(placeOf), (outcome) =>
          this.#say(
            `deleted: ${outcome.ok ? outcome.value.map((one) => one ?? "ok").join(" ") : outcome.fault}`,
          ),
        );
      default:
        throw new Error(`no command ${name}`);
    }
  }
}

function placeOf(word: string): NamedPartition {
  const [topic = "", partition = "0"] = word.split("/");
  return { topic, partition: Number(partition) };
}

/** `p*2000`: so many of them. */
function assignmentOf(word: string): Uint8Array {
  const [text = "", count = "1"] = word.split("*");
  return encoder.encode(text.repeat(Number(count)));
}

/** A real subscription, so that the coordinator can read which topics the member reads; "?": bytes that are none. */
function metadataOf(topic: string, owned: string | null): Uint8Array {
  if (topic === "?") return encoder.encode("?");
  const subscription = { topics: [topic], userData: null };
  if (owned === null) return encodeSubscription(subscription, 0);
  return encodeSubscription({ ...subscription, ownedPartitions: ownedByName(owned) });
}

function textOf(bytes: Uint8Array): string {
  const text = decoder.decode(bytes).replaceAll(/[^\x21-\x7e]/g, "");
  return text === "" ? "-" : text;
}

function joinText(answer: JoinAnswer): string {
  const { fault, memberId, generation, protocol, leader, skipAssignment, members } = answer;
  if (fault !== null) return `${fault} id=${memberId}`;
  const skip = skipAssignment ? " skip" : "";
  const list = members.map((one) => `${one.memberId}:${textOf(one.metadata)}`).join(",");
  const known = list === "" ? "" : ` members=${list}`;
  return `gen=${generation} id=${memberId} leader=${leader} protocol=${protocol}${skip}${known}`;
}

function syncText({ fault, assignment, protocol }: SyncAnswer): string {
  return fault ?? `${assignedText(assignment) ?? textOf(assignment)} protocol=${protocol}`;
}

function recordText(record: GroupRecord): string {
  switch (record.kind) {
    case "group-set": {
      const { generation, protocol, leader, members } = record.stored;
      const list = members.map((one) => `${one.memberId}:${textOf(one.assignment)}`).join(",");
      return `${record.group} gen=${generation} protocol=${protocol} leader=${leader} members=${list || "-"}`;
    }
    case "group-gone":
      return `${record.group} gone`;
    case "offset-set":
      return `${record.group} ${record.topic}/${record.partition}=${record.committed.offset}`;
    case "offset-gone":
      return `${record.group} ${record.topic}/${record.partition} gone`;
    default:
      return consumerRecordText(record);
  }
}
