// Checks of what clients saw while the run went on: high watermarks, answers of leaders, sessions of idempotent producers,
// and answers that keep to the protocol.
import type { EndObservation, History } from "../history.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";

export function checkClients(history: History, unanswered: number): Finding[] {
  return [
    watermarks(history),
    staleEnds(history),
    endsGoBack(history),
    sessions(history),
    settled(history, unanswered),
    protocol(history),
  ];
}

/** P1, per replica and life of its process. */
function watermarks(history: History): Finding {
  const draft = new FindingDraft(
    "watermark went back",
    "a replica's high watermark never goes back while its process lives",
  );
  draft.examined(history.seen.size);
  draft.all(history.regressions);
  return draft.finding();
}

/** A leader's answer covers everything that was acknowledged before the question. */
function staleEnds(history: History): Finding {
  const draft = new FindingDraft(
    "stale end",
    "a leader never tells an end that leaves out what was acknowledged before it was asked",
  );
  draft.examined(history.ends.length);
  const acks = new Map<number, { ackedMs: number; end: number }[]>();
  for (const { partition, batches } of history.lanes) {
    const of = acks.get(partition) ?? [];
    acks.set(partition, of);
    for (const { outcome, ackedMs, baseOffset, count } of batches) {
      if (outcome === "acked") of.push({ ackedMs, end: baseOffset + count });
    }
  }
  for (const [partition, observations] of byPartition(history.ends)) {
    const promised = (acks.get(partition) ?? []).toSorted((a, b) => a.ackedMs - b.ackedMs);
    let next = 0;
    let least = 0;
    for (const seen of observations.toSorted((a, b) => a.askedMs - b.askedMs)) {
      for (; next < promised.length; next++) {
        const ack = promised[next] as (typeof promised)[number];
        if (ack.ackedMs >= seen.askedMs) break;
        least = Math.max(least, ack.end);
      }
      if (seen.end >= least) continue;
      const place = { atMs: seen.askedMs, partition };
      draft.violation(() => `${show(seen)}; ${least} was promised before`, place);
    }
  }
  return draft.finding();
}

/** An answer that was complete before another question was asked is not above that one's answer. */
function endsGoBack(history: History): Finding {
  const draft = new FindingDraft("end went back", "the end of a partition never goes back");
  draft.examined(history.ends.length);
  for (const [partition, observations] of byPartition(history.ends)) {
    const byAnswer = observations.toSorted((a, b) => a.answeredMs - b.answeredMs);
    let done = 0;
    let highest: EndObservation | null = null;
    for (const seen of observations.toSorted((a, b) => a.askedMs - b.askedMs)) {
      for (; done < byAnswer.length; done++) {
        const earlier = byAnswer[done] as EndObservation;
        if (earlier.answeredMs >= seen.askedMs) break;
        if (highest === null || earlier.end > highest.end) highest = earlier;
      }
      const before = highest;
      if (before === null || before.end <= seen.end) continue;
      const place = { atMs: seen.askedMs, partition };
      draft.violation(() => `${show(before)}; then ${show(seen)}`, place);
    }
  }
  return draft.finding();
}

/** A producer that keeps to the rules is never refused for its sequence or its epoch. */
function sessions(history: History): Finding {
  const draft = new FindingDraft(
    "session broken",
    "an idempotent producer that keeps to the rules keeps its session",
  );
  draft.examined(history.lanes.filter(({ isIdempotent }) => isIdempotent).length);
  draft.all(history.brokenSessions);
  return draft.finding();
}

/** Once everything is healed, an idempotent producer gets an answer for all that it sent. */
function settled(history: History, unanswered: number): Finding {
  const draft = new FindingDraft(
    "never answered",
    "after the last fault every batch of an idempotent producer is acknowledged",
  );
  for (const lane of history.lanes) if (lane.isIdempotent) draft.examined(lane.batches.length);
  if (unanswered > 0) draft.violation(() => `${unanswered} batches were given up`);
  return draft.finding();
}

function protocol(history: History): Finding {
  const draft = new FindingDraft("protocol", "answers follow the protocol and come in order");
  draft.examined(history.lanes.reduce((sum, { batches }) => sum + batches.length, 0));
  draft.all(history.malformed);
  return draft.finding();
}

function byPartition(ends: readonly EndObservation[]): Map<number, EndObservation[]> {
  const grouped = new Map<number, EndObservation[]>();
  for (const seen of ends) {
    const of = grouped.get(seen.partition) ?? [];
    of.push(seen);
    grouped.set(seen.partition, of);
  }
  return grouped;
}

function show({ partition, broker, leaderEpoch, askedMs, end }: EndObservation): string {
  return (
    `broker ${broker}, asked at ${Math.round(askedMs)} ms, told ${end} as the end of partition ` +
    `${partition} in epoch ${leaderEpoch}`
  );
}
