// The commands of consumer groups in the transcripts of test/golden/groups. Topics are made with `topic t 3`, and taken
// away with `topic-gone t`; in records and answers they stand as t1, t2, … in the order in which they were made.
//
//   live g id=a epoch=0 reads=t,u regex=x.* owned=t1/0+1 rebalance=30000 assignor=range instance=i rack=r v=1
//       one heartbeat; who joins says `reads=t owned=- rebalance=30000` unless the line says otherwise
//   look g                                                 describes the group
//   settings policy=disabled members=2
import type { ConsumerSettings } from "../../internal/coordinator/consumer-settings.ts";
import type { GroupCoordinator } from "../../internal/coordinator/group-coordinator.ts";
import type { ConsumerBeatAnswer } from "../../internal/coordinator/group-requests.ts";
import type { TopicId } from "../../internal/model/ids.ts";
import { assignmentText } from "./consumer-words.ts";
import type { Words } from "./group-words.ts";

type Say = (text: string) => void;

export function consumerSettings(before: ConsumerSettings, words: Words): ConsumerSettings {
  return {
    ...before,
    membersMax: words.number("members", before.membersMax),
    migration: words.text("policy", before.migration) as ConsumerSettings["migration"],
  };
}

export function consumerCommand(
  name: "live" | "look",
  leader: GroupCoordinator,
  group: string,
  words: Words,
  say: Say,
): void {
  if (name === "live") live(leader, group, words, say);
  else look(leader, group, say);
}

function live(leader: GroupCoordinator, group: string, words: Words, say: Say): void {
  const { memberId, instanceId } = words.claim;
  const epoch = words.number("epoch", 0);
  const joins = (fallback: string): string | null => (epoch === 0 ? fallback : null);
  const reads = words.textOrNull("reads") ?? joins("t");
  const owned = words.textOrNull("owned") ?? joins("-");
  leader.consumerBeat(
    {
      group,
      memberId,
      memberEpoch: epoch,
      instanceId,
      rackId: words.textOrNull("rack"),
      clientId: words.text("client", "A"),
      clientHost: "/h",
      rebalanceTimeoutMs: words.number("rebalance", epoch === 0 ? 30_000 : -1),
      topics: reads === null || reads === "?" ? null : listOf(reads),
      regex: words.textOrNull("regex"),
      assignor: words.textOrNull("assignor"),
      owned: owned === null || owned === "?" ? null : ownedOf(owned),
      choosesId: words.number("v", 1) >= 1,
    },
    (answer) => say(`${memberId || "A"}: ${answerText(answer)}`),
  );
}

function listOf(text: string): string[] {
  return text === "-" ? [] : text.split(",");
}

function ownedOf(text: string) {
  return listOf(text).map((word) => {
    const [topic = "", partitions = ""] = word.split("/");
    const topicId = `${topic.slice(1).padStart(21, "0")}A` as TopicId;
    return { topicId, partitions: partitions.split("+").map(Number) };
  });
}

function answerText({ fault, memberId, memberEpoch, assignment }: ConsumerBeatAnswer): string {
  if (fault !== null) return fault;
  const has =
    assignment === null
      ? ""
      : ` has=${assignmentText(assignment.map(({ topicId, partitions }) => [topicId, partitions]))}`;
  return `id=${memberId} at=${memberEpoch}${has}`;
}

function look(leader: GroupCoordinator, group: string, say: Say): void {
  leader.describeConsumer(group, (outcome) => {
    if (!outcome.ok) return say(outcome.fault);
    const { phase, epoch, targetEpoch, assignor, members } = outcome.value;
    say(`${phase} epoch=${epoch} target=${targetEpoch} assignor=${assignor}`);
    for (const member of members) {
      const texts = [member.assignment, member.target].map((some) =>
        assignmentText(some.map(({ topicId, partitions }) => [topicId, partitions])),
      );
      const classic = member.isClassic ? " classic" : "";
      say(`  ${member.memberId} at=${member.epoch} ${texts[0]} -> ${texts[1]}${classic}`);
    }
  });
}
