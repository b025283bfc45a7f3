import { expect, test } from "vitest";
import type { GroupId, LogIndex, Term } from "../../../internal/model/ids.ts";
import type { SimBroker } from "../cluster/sim-cluster.ts";
import type { GroupView } from "./group-view.ts";
import { Quorums } from "./quorums.ts";

interface Told {
  /** The durable end of its log. */
  readonly end: number;
  /** The end of the longest log that it was told of after a loss of power. */
  readonly longest?: number;
  readonly isRecalling?: boolean;
  readonly isDiskLost?: boolean;
  /** Since when its machine is in order; absent: it is not. */
  readonly fitMs?: number;
}

interface Situation {
  readonly quorums: Quorums;
  readonly view: GroupView;
}

/** A group of these voters; the first has number 1. */
function situationOf(told: readonly Told[], leading: readonly number[] = []): Situation {
  const brokers = told.map((_, k) => ({ id: k + 1 }) as SimBroker);
  const of = ({ id }: SimBroker): Told => told[id - 1] as Told;
  const upSinceMs = (machines: readonly SimBroker[]): number =>
    Math.max(...machines.map((at) => of(at).fitMs ?? Infinity));
  const quorums = new Quorums({
    brokers,
    upSinceMs,
    fitSinceMs: (machines) =>
      machines.some((at) => of(at).isDiskLost) ? Infinity : upSinceMs(machines),
    isDiskLost: (at) => of(at).isDiskLost === true,
    logEnd: (at) => ({ lastIndex: of(at).end as LogIndex, lastTerm: 1 as Term }),
  });
  const view = {
    group: 1 as GroupId,
    halves: [brokers.map(({ id }) => id)],
    leading: brokers.filter(({ id }) => leading.includes(id)),
    placed: brokers.filter((at) => of(at).fitMs !== undefined).map((at) => ({ at })),
    newest: { member: (broker: number) => ({ broker }) },
    member: (id: number) => {
      const { end, longest = 0, isRecalling, fitMs } = told[id - 1] as Told;
      const machine = {
        standing: isRecalling ? "recalling" : "full",
        recalled: longest > 0,
        caughtUpWithRecall: end >= longest,
        lacksWhatWasForgotten: ({ lastIndex }: { lastIndex: number }) => lastIndex < longest,
      };
      return fitMs === undefined ? null : { at: brokers[id - 1], replica: { machine } };
    },
  };
  return { quorums, view: view as unknown as GroupView };
}

/** Since when it could elect somebody. */
function quorumSinceMs(...told: readonly Told[]): number {
  const { quorums, view } = situationOf(told);
  return quorums.sinceMs(view);
}

test("a majority is in order since the later of both is", () => {
  expect(quorumSinceMs({ end: 5, fitMs: 1 }, { end: 5, fitMs: 2 }, { end: 5 })).toBe(2);
  expect(quorumSinceMs({ end: 5, fitMs: 1 }, { end: 5 }, { end: 5 })).toBe(Infinity);
});

test("who recalls counts while all others can be reached", () => {
  const recalling = { end: 5, isRecalling: true, fitMs: 1 };
  expect(quorumSinceMs(recalling, { end: 5, fitMs: 2 }, { end: 5 })).toBe(Infinity);
  expect(
    quorumSinceMs(recalling, { end: 5, fitMs: 2 }, { end: 5, fitMs: 3, isRecalling: true }),
  ).toBe(3);
});

test("who recalls waits for no disk that is lost, but hears of the loss", () => {
  const recalling = { end: 5, isRecalling: true, fitMs: 1 };
  const lost = { end: 5, isDiskLost: true };
  expect(quorumSinceMs(recalling, { end: 5, fitMs: 2 }, { ...lost, fitMs: 3 })).toBe(3);
  expect(quorumSinceMs(recalling, { end: 5, fitMs: 2 }, lost)).toBe(Infinity);
});

test("who waits for a long log counts beside whoever has it, whether or not the others are up", () => {
  const bound = { end: 5, longest: 7, fitMs: 1 };
  expect(quorumSinceMs(bound, { end: 5 }, { end: 7, fitMs: 2 })).toBe(2);
  expect(quorumSinceMs(bound, { end: 5, fitMs: 2 }, { end: 7 })).toBe(Infinity);
});

test("a log that no disk holds any more is waited for by nobody", () => {
  const bound = { end: 5, longest: 7, fitMs: 1 };
  expect(quorumSinceMs(bound, { end: 5, fitMs: 2 }, { end: 7, isDiskLost: true })).toBe(2);
  expect(quorumSinceMs(bound, { end: 5, fitMs: 2 }, { end: 5 })).toBe(2);
});

test("two who wait for logs of different lengths count beside the longer one", () => {
  const shorter = { end: 5, longest: 6, fitMs: 1 };
  const longer = { end: 5, longest: 7, fitMs: 2 };
  expect(quorumSinceMs(shorter, longer, { end: 6, fitMs: 3 }, { end: 7 }, { end: 5 })).toBe(
    Infinity,
  );
  expect(quorumSinceMs(shorter, longer, { end: 7, fitMs: 3 }, { end: 6 }, { end: 5 })).toBe(3);
});

test("a leader that is in touch with most voters leads, and one that is cut off does not", () => {
  const isLed = (...told: readonly Told[]): boolean => {
    const { quorums, view } = situationOf(told, [1]);
    return quorums.isLed(view);
  };
  expect(isLed({ end: 5, fitMs: 1 }, { end: 5, fitMs: 2 }, { end: 5 })).toBe(true);
  expect(isLed({ end: 5, fitMs: 1 }, { end: 5 }, { end: 5 })).toBe(false);
  expect(isLed({ end: 5 }, { end: 5, fitMs: 1 }, { end: 5, fitMs: 1 })).toBe(false);
});
