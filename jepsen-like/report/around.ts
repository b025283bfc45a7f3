// The history around an anomaly: what befell the cluster in the seconds before and after, and what clients did on the
// partition right then.
import type { Place } from "../checkers/finding.ts";
import type { RunOutcome } from "../run.ts";

export interface Moment {
  readonly atMs: number;
  readonly what: string;
  readonly is: "event" | "leader" | "batch" | "end" | "anomaly";
}

const EVENTS_BEFORE_MS = 6_000;
const EVENTS_AFTER_MS = 3_000;
const CLIENTS_MS = 400;
const CLIENTS_MAX = 16;

export function momentsAround({ atMs, partition }: Place, outcome: RunOutcome): Moment[] {
  const isNear = (ms: number): boolean =>
    ms >= atMs - EVENTS_BEFORE_MS && ms <= atMs + EVENTS_AFTER_MS;
  const events = outcome.timeline
    .filter((event) => isNear(event.atMs))
    .map((event) => ({ ...event, is: "event" as const }));
  const leaders = outcome.leaderChanges
    .filter((change) => change.partition === partition && isNear(change.atMs))
    .map(({ atMs: at, broker, epoch }) => ({
      atMs: at,
      what: `clients hear that broker ${broker} leads partition ${partition} in epoch ${epoch}`,
      is: "leader" as const,
    }));
  const distanceMs = (moments: readonly Moment[]): number =>
    Math.min(...moments.map((moment) => Math.abs(moment.atMs - atMs)));
  const clients = [...batches(partition, outcome), ...ends(partition, outcome)]
    .filter((moments) => distanceMs(moments) <= CLIENTS_MS)
    .toSorted((one, other) => distanceMs(one) - distanceMs(other))
    .slice(0, CLIENTS_MAX)
    .flat();
  const anomaly = { atMs, what: `the anomaly, on partition ${partition}`, is: "anomaly" as const };
  return [...events, ...leaders, ...clients, anomaly].toSorted(
    (one, other) => one.atMs - other.atMs,
  );
}

/** Of each batch when it was sent and when it was acknowledged. */
function batches(partition: number, { history }: RunOutcome): Moment[][] {
  const lanes = history.lanes.filter((lane) => lane.partition === partition);
  return lanes.flatMap(({ producer, isIdempotent, batches: sent }) =>
    sent.map(({ first, count, outcome, sentMs, ackedMs, baseOffset, attempts }): Moment[] => {
      const who = `${isIdempotent ? "idempotent" : "plain"} producer ${producer}`;
      const values = `values ${first} to ${first + count - 1}`;
      const ends = outcome === "acked" ? "" : `; the outcome stays ${outcome}`;
      const moments: Moment[] = [
        { atMs: sentMs, what: `${who} sends ${values}${ends}`, is: "batch" },
      ];
      if (outcome === "acked") {
        const tries = attempts > 1 ? `, try ${attempts}` : "";
        const what = `${who}: ${values} acknowledged at offset ${baseOffset}${tries}`;
        moments.push({ atMs: ackedMs, what, is: "batch" });
      }
      return moments;
    }),
  );
}

function ends(partition: number, { history }: RunOutcome): Moment[][] {
  return history.ends
    .filter((end) => end.partition === partition)
    .map(({ broker, leaderEpoch, askedMs, answeredMs, end }) => [
      {
        atMs: answeredMs,
        what: `broker ${broker} (epoch ${leaderEpoch}), asked ${Math.round(answeredMs - askedMs)} ms before, tells the end ${end}`,
        is: "end" as const,
      },
    ]);
}
