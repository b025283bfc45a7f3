import { expect, test } from "vitest";
import { dynamicRefusal, LiveSettings } from "./live-settings.ts";
import { settingsOf } from "./settings.ts";

function live(): LiveSettings {
  const started = settingsOf({ "fetch.max.bytes": 5000, "max.message.bytes": 20_000 });
  if (!started.ok) throw new Error("the settings hold");
  return new LiveSettings(started.value);
}

const one = (name: string, value: string) => [{ name, value }];

test("what is set for one broker goes before what is set for all, and that before what it was started with", () => {
  const settings = live();
  let changes = 0;
  settings.onChange(() => changes++);
  expect(settings.get("fetch.max.bytes")).toBe(5000);
  expect(settings.set([], one("fetch.max.bytes", "6000"))).toEqual([]);
  expect(settings.get("fetch.max.bytes")).toBe(6000);
  expect(settings.set(one("fetch.max.bytes", "64KiB"), one("fetch.max.bytes", "6000"))).toEqual([]);
  expect(settings.get("fetch.max.bytes")).toBe(65_536);
  expect(settings.show("fetch.max.bytes")).toBe("64KiB");
  expect(settings.set([], [])).toEqual([]);
  expect([settings.get("fetch.max.bytes"), settings.origin("fetch.max.bytes")]).toEqual([
    5000,
    "given",
  ]);
  expect(changes).toBe(3);
});

test("values that contradict the rest are not taken; those that held stay", () => {
  const settings = live();
  settings.set([], one("fetch.max.bytes", "7000"));
  const huge = one("max.message.bytes", "16MiB");
  const refusals = ["max.message.bytes must leave 64 KiB of journal.batch.bytes.max free"];
  expect(settings.preview(huge, [])).toEqual(refusals);
  expect(settings.set(huge, one("fetch.max.bytes", "8000"))).toEqual(refusals);
  expect([settings.get("max.message.bytes"), settings.get("fetch.max.bytes")]).toEqual([
    20_000, 7000,
  ]);
});

test("Kafka's names mean the same settings; what a newer version recorded is left alone", () => {
  const settings = live();
  expect(settings.set(one("message.max.bytes", "30000"), one("from.the.future", "x"))).toEqual([]);
  expect(settings.get("max.message.bytes")).toBe(30_000);
});

test.each([
  ["max.connections", "5", "one-broker", null],
  [
    "connections.max",
    "0",
    "one-broker",
    "the value of connections.max is below the least value, 1",
  ],
  ["num.partitions", "3", "all-brokers", null],
  ["num.partitions", "3", "one-broker", "num.partitions is set for all brokers, not for one"],
  [
    "link.ping.ms",
    "5",
    "all-brokers",
    "link.ping.ms is read when a broker starts: it is set in the broker's own configuration",
  ],
  ["log.cleaner.threads", "2", "one-broker", "unknown setting log.cleaner.threads"],
  [
    "fetch.max.byte",
    "2",
    "one-broker",
    "unknown setting fetch.max.byte; did you mean fetch.max.bytes?",
  ],
] as const)("%s=%s for %s: %s", (name, value, scope, refusal) => {
  expect(dynamicRefusal(name, value, scope)).toBe(refusal);
});
