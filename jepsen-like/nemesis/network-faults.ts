// What each fault of the network is: which directions between which ends have which weather, and whether a majority of the
// brokers still hears each other and is heard by clients.
import { CLIENTS, CUT, FAIR } from "../network/weather.ts";
import type { Effects, Rule, Weather } from "../network/weather.ts";
import type { FaultKind } from "./plan.ts";

export interface NetworkFault {
  /** The third of the brokers is the one that hears everybody in a bridge. */
  readonly rules: (victim: number, other: number, third: number) => readonly Rule[];
  /** Whether partitions are to accept records while it lasts. */
  readonly leavesMajority: boolean;
  readonly forMs: number;
}

const CUT_MS = 4_000;
const SLOW: Weather = { ...FAIR, delayMs: 40, bytesPerS: 2 << 20 };
const LOSSY: Weather = { ...FAIR, lostPermille: 10, resetPermille: 1, swallowedPermille: 1 };

function oneWay(from: number, to: readonly number[], weather: Weather): Rule[] {
  return to.map((end) => ({ from, to: end, weather }));
}

function bothWays(one: number, others: readonly number[], weather: Weather): Rule[] {
  return others.flatMap((other) => [
    { from: one, to: other, weather },
    { from: other, to: one, weather },
  ]);
}

/** One end and some others do not hear each other. */
export function cutBetween(one: number, others: readonly number[]): Rule[] {
  return bothWays(one, others, CUT);
}

export const NETWORK_FAULTS: Readonly<Partial<Record<FaultKind, NetworkFault>>> = {
  "isolate leader": {
    rules: (victim, other, third) => bothWays(victim, [other, third], CUT),
    leavesMajority: true,
    forMs: CUT_MS,
  },
  "isolate from all": {
    rules: (victim, other, third) => bothWays(victim, [other, third, CLIENTS], CUT),
    leavesMajority: true,
    forMs: CUT_MS,
  },
  "mute leader": {
    rules: (victim, other, third) => oneWay(victim, [other, third], CUT),
    leavesMajority: true,
    forMs: CUT_MS,
  },
  "deafen leader": {
    rules: (victim, other, third) => [other, third].flatMap((end) => oneWay(end, [victim], CUT)),
    leavesMajority: true,
    forMs: CUT_MS,
  },
  bridge: {
    rules: (victim, other) => bothWays(victim, [other], CUT),
    leavesMajority: true,
    forMs: CUT_MS,
  },
  "cut clients": {
    rules: (victim) => bothWays(victim, [CLIENTS], CUT),
    leavesMajority: false,
    forMs: CUT_MS,
  },
  "split all": {
    rules: (victim, other, third) => [
      ...bothWays(victim, [other, third], CUT),
      ...bothWays(other, [third], CUT),
    ],
    leavesMajority: false,
    forMs: CUT_MS,
  },
  "slow links": {
    rules: (victim, other, third) => bothWays(victim, [other, third, CLIENTS], SLOW),
    leavesMajority: false,
    forMs: 2 * CUT_MS,
  },
  "lossy links": {
    rules: (victim, other, third) => [
      ...bothWays(victim, [other, third, CLIENTS], LOSSY),
      ...bothWays(other, [third, CLIENTS], LOSSY),
      ...bothWays(third, [CLIENTS], LOSSY),
    ],
    leavesMajority: false,
    forMs: 2 * CUT_MS,
  },
};

/** Why it cannot be said that the fault struck; null when it did. */
export function inVain(kind: FaultKind, effects: Effects): string | null {
  const { cutBytes, delayedPieces, lostPieces, strangers } = effects;
  if (strangers > 0) return `${strangers} link connections do not say whose they are`;
  const bites =
    kind === "slow links" ? delayedPieces : kind === "lossy links" ? lostPieces : cutBytes;
  return bites > 0 ? null : `${kind} met nothing that it could hold up`;
}

export function effectsInWords(effects: Effects): string {
  const words: readonly (readonly [number, string])[] = [
    [effects.cutBytes, "bytes held up"],
    [effects.cutConnections, "connections not opened"],
    [effects.delayedPieces, "pieces late"],
    [effects.lostPieces, "pieces lost once"],
    [effects.resetConnections, "connections reset"],
    [effects.swallowedDirections, "connections silenced"],
  ];
  const said = words.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return said.length === 0 ? "no effect" : said.join(", ");
}
