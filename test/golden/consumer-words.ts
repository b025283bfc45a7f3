// The records of consumer groups as transcripts show them.
import type { ConsumerMember, MemberPosition } from "../../internal/coordinator/consumer-member.ts";
import type { ConsumerTopicPartitions } from "../../internal/schema/consumer-protocol.ts";
import { decodeAssignment, encodeAssignment } from "../../internal/schema/consumer-protocol.ts";
import type { ConsumerGroupRecord } from "../../internal/coordinator/group-records.ts";

export function consumerRecordText(record: ConsumerGroupRecord): string {
  const { group } = record;
  const about = "memberId" in record ? `${group} ${record.memberId}` : group;
  if (record.value === null) return `${about} ${WORDS[record.kind]} gone`;
  switch (record.kind) {
    case "consumer-epoch":
      return `${about} epoch=${record.value.epoch}`;
    case "target-epoch":
      return `${about} target-epoch=${record.value}`;
    case "target":
      return `${about} target=${assignmentText(record.value)}`;
    case "position":
      return `${about} ${positionText(record.value)}`;
    case "consumer-member":
      return `${about} ${memberText(record.value)}`;
  }
}

const WORDS = {
  "consumer-epoch": "epoch",
  "target-epoch": "target-epoch",
  target: "target",
  position: "position",
  "consumer-member": "member",
} as const;

/** Topics by the numbers in which they were made. */
export function assignmentText(assignment: Iterable<readonly [string, readonly number[]]>): string {
  const texts = [...assignment].map(
    ([topicId, partitions]) => `t${Number(topicId.slice(0, -1))}/${partitions.join("+")}`,
  );
  return texts.length === 0 ? "-" : texts.sort().join(",");
}

function positionText(position: MemberPosition): string {
  const { epoch, previousEpoch, state, assigned, revoking } = position;
  const giving = revoking.size === 0 ? "" : ` revoking=${assignmentText(revoking)}`;
  return `at=${epoch} was=${previousEpoch} ${state} has=${assignmentText(assigned)}${giving}`;
}

function memberText(member: ConsumerMember): string {
  const { topics, regex, assignor, instanceId, classic, rebalanceTimeoutMs } = member;
  const words = [`reads=${topics.join("+") || "-"}`, `rebalance=${rebalanceTimeoutMs}`];
  if (regex !== null) words.push(`regex=${regex}`);
  if (assignor !== null) words.push(`assignor=${assignor}`);
  if (instanceId !== null) words.push(`instance=${instanceId}`);
  if (classic !== null) {
    words.push(`classic=${classic.protocols.map(({ name }) => name).join("+")}`);
  }
  return words.join(" ");
}

/** `t/0+1,u/2`; `-`: nothing. */
export function ownedByName(text: string): ConsumerTopicPartitions[] {
  if (text === "-") return [];
  return text.split(",").map((word) => {
    const [topic = "", partitions = ""] = word.split("/");
    return { topic, partitions: partitions.split("+").map(Number) };
  });
}

/** What a consumer is told to read; null: these bytes are no assignment of consumers. */
export function assignedText(bytes: Uint8Array): string | null {
  const read = decodeAssignment(bytes);
  if (!read.ok || encodeAssignment(read.value, bytes[1]).length !== bytes.length) return null;
  const texts = read.value.assignedPartitions.map(
    ({ topic, partitions }) => `${topic}/${partitions.join("+")}`,
  );
  return texts.join(",") || "-";
}
