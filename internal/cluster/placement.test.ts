import fc from "fast-check";
import { expect, test } from "vitest";
import type { BrokerId } from "../model/ids.ts";
import type { PlacementBroker } from "./placement.ts";
import { extendReplicas, placeReplicas } from "./placement.ts";

/** Each host stands in one rack, as real ones do. */
const fleet = fc
  .array(fc.record({ host: fc.nat(5), load: fc.nat(20) }), { minLength: 1, maxLength: 9 })
  .chain((brokers) =>
    fc.tuple(
      fc.constant(brokers),
      fc.array(fc.nat(2), { minLength: 6, maxLength: 6 }),
      fc.boolean(),
    ),
  )
  .map(([brokers, rackOfHost, hasHosts]): PlacementBroker[] =>
    brokers.map(({ host, load }, at) => ({
      broker: (at + 1) as BrokerId,
      host: hasHosts ? `h${host}` : null,
      rack: hasHosts ? `r${rackOfHost[host]!}` : null,
      replicas: load,
      preferred: Math.floor(load / 3),
      fenced: false,
    })),
  );

const wish = fc.record({
  count: fc.integer({ min: 1, max: 60 }),
  factor: fc.nat(8),
  start: fc.nat(),
});

function spread(counts: readonly number[]): number {
  return Math.max(...counts) - Math.min(...counts);
}

test("placeReplicas keeps replicas apart and leaders balanced", () => {
  fc.assert(
    fc.property(fleet, wish, (brokers, { count, factor: more, start }) => {
      const factor = 1 + (more % brokers.length);
      const placed = placeReplicas(brokers, count, factor, start);
      if (!placed.ok) return expect.unreachable("there are enough brokers");
      expect(placed.value.length).toBe(count);
      const byId = new Map(brokers.map((broker) => [broker.broker, broker]));
      const hosts = new Set(brokers.map(hostOf));
      const racks = new Set(brokers.map((broker) => broker.rack));
      for (const replicas of placed.value) {
        expect(new Set(replicas).size).toBe(factor);
        const used = replicas.map((id) => byId.get(id)!);
        expect(new Set(used.map(hostOf)).size).toBe(Math.min(factor, hosts.size));
        expect(new Set(used.map((broker) => broker.rack)).size).toBe(Math.min(factor, racks.size));
      }
      const first = brokers.map(
        ({ broker }) => placed.value.filter((of) => of[0] === broker).length,
      );
      expect(spread(first)).toBeLessThanOrEqual(1);
    }),
  );
});

function hostOf({ broker, host }: PlacementBroker): string {
  return host ?? `alone ${broker}`;
}

test("placeReplicas spreads all replicas evenly over equal brokers", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), wish, (size, { count, factor: more, start }) => {
      const brokers = equals(size);
      const placed = placeReplicas(brokers, count, 1 + (more % size), start);
      if (!placed.ok) return expect.unreachable("there are enough brokers");
      const held = brokers.map(({ broker }) => placed.value.flat().filter((id) => id === broker));
      expect(spread(held.map((of) => of.length))).toBeLessThanOrEqual(2);
    }),
  );
});

test("placeReplicas prefers brokers that hold less, between equals", () => {
  const brokers = equals(3).map((of, at) => ({ ...of, replicas: [9, 0, 4][at]! }));
  const placed = placeReplicas(brokers, 1, 2, 0);
  expect(placed.ok && placed.value).toEqual([[2, 3]]);
});

test("placeReplicas gives a broker's followers to different brokers", () => {
  const placed = placeReplicas(equals(4), 12, 2, 0);
  if (!placed.ok) return expect.unreachable("there are enough brokers");
  const followers = new Set(placed.value.filter((of) => of[0] === 1).map((of) => of[1]));
  expect(followers.size).toBeGreaterThan(1);
});

test("placeReplicas refuses more replicas than brokers", () => {
  const fault = { kind: "too-few-brokers", live: 2 };
  expect(placeReplicas(equals(2), 1, 3, 0)).toEqual({ ok: false, fault });
  expect(placeReplicas([], 1, 1, 0)).toEqual({ ok: false, fault: { ...fault, live: 0 } });
});

test("placeReplicas uses fenced brokers last, never first, and only with a majority of others", () => {
  const away = (...ids: number[]): PlacementBroker[] =>
    equals(3).map((of) => ({ ...of, fenced: ids.includes(of.broker) }));
  for (let start = 0; start < 3; start++) {
    const placed = placeReplicas(away(2), 4, 3, start);
    if (!placed.ok) return expect.unreachable("a majority is there");
    for (const replicas of placed.value) expect(replicas[2]).toBe(2);
    expect(placeReplicas(away(2), 1, 2, start)).toMatchObject({ ok: true });
  }
  const two = placeReplicas(away(2), 3, 2, 0);
  expect(two.ok && two.value.flat()).not.toContain(2);
  expect(placeReplicas(away(1, 2), 1, 3, 0)).toEqual({
    ok: false,
    fault: { kind: "too-few-brokers", live: 1 },
  });
});

function equals(size: number): PlacementBroker[] {
  return Array.from({ length: size }, (_, at) => {
    return {
      broker: (at + 1) as BrokerId,
      host: null,
      rack: null,
      replicas: 0,
      preferred: 0,
      fenced: false,
    };
  });
}

test("extendReplicas keeps what there is, adds on other hosts, and evens out first places", () => {
  const hosts = ["a", "a", "b", "c"];
  const brokers = equals(4).map((of, at) => ({ ...of, host: hosts[at]! }));
  const held = [[1], [1], [1], [1, 2, 3], [4]] as BrokerId[][];
  const extended = extendReplicas(brokers, held, 3, 5);
  if (!extended.ok) return expect.unreachable("there are enough brokers");
  expect(extended.value.map((of) => of.toSorted())).toEqual([
    [1, 3, 4],
    [1, 3, 4],
    [1, 3, 4],
    [1, 2, 3],
    expect.arrayContaining([3, 4]),
  ]);
  expect(extended.value[3]).toEqual([1, 2, 3]);
  const firsts = extended.value.map(([first]) => first);
  expect(
    Math.max(...brokers.map(({ broker }) => firsts.filter((id) => id === broker).length)),
  ).toBe(2);
  expect(extendReplicas(equals(2), [[1 as BrokerId]], 3, 0)).toMatchObject({ ok: false });
});
