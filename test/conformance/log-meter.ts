// What every Log and Meter keep. Where log lines go differs; see the tests of each.
import { describe, expect, it } from "vitest";
import { stageOf } from "./stage.ts";
import type { OpenStage } from "./stage.ts";

export function describeLogAndMeter(name: string, open: OpenStage): void {
  describe(`Meter of the ${name}`, () => {
    const stage = stageOf(open);

    it("renders counters and gauges with their labels as they are when the page is rendered", async () => {
      const { meter } = stage().world;
      const kept = meter.counter("flotilla_test_kept_total", "Things kept.", { kind: "old" });
      const fresh = meter.counter("flotilla_test_kept_total", "Things kept.", { kind: "new" });
      const level = meter.gauge("flotilla_test_level_bytes", "How full it is.");
      let observed = 1;
      meter.observedGauge("flotilla_test_seen_count", "What is seen.", () => observed);
      kept.add(2);
      kept.add(3);
      fresh.add(1);
      level.set(7);
      level.set(4);
      observed = 9;
      const { body, contentType } = await meter.render();
      expect(contentType).toContain("text/plain");
      const lines = body.split("\n");
      expect(lines).toContain('flotilla_test_kept_total{kind="old"} 5');
      expect(lines).toContain('flotilla_test_kept_total{kind="new"} 1');
      expect(lines).toContain("flotilla_test_level_bytes 4");
      expect(lines).toContain("flotilla_test_seen_count 9");
    });

    it("shows the series that there are when the page is rendered", async () => {
      const { meter } = stage().world;
      let names: readonly string[] = ["a", "b"];
      meter.observedSeries("flotilla_test_named_count", "By name.", () =>
        names.map((name, at) => [{ name }, at]),
      );
      const shown = async (): Promise<string[]> => {
        const { body } = await meter.render();
        return body.split("\n").filter((line) => line.startsWith("flotilla_test_named_count{"));
      };
      expect(await shown()).toEqual([
        'flotilla_test_named_count{name="a"} 0',
        'flotilla_test_named_count{name="b"} 1',
      ]);
      names = ["c"];
      expect(await shown()).toEqual(['flotilla_test_named_count{name="c"} 0']);
      names = [];
      expect(await shown()).toEqual([]);
    });

    it("counts the observations of a histogram", async () => {
      const { meter } = stage().world;
      const seconds = meter.histogram("flotilla_test_write_seconds", "Writes.", undefined, [1, 2]);
      for (const value of [0.5, 1, 1.5, 99]) seconds.observe(value);
      const { body } = await meter.render();
      expect(body).toContain("flotilla_test_write_seconds_count 4");
    });

    it("refuses to bind one instrument twice and to let a counter fall", () => {
      const { meter } = stage().world;
      const counter = meter.counter("flotilla_test_once_total", "Once.");
      expect(() => meter.counter("flotilla_test_once_total", "Once.")).toThrow("bound once");
      expect(() => counter.add(-1)).toThrow("never falls");
    });
  });

  describe(`Log of the ${name}`, () => {
    const stage = stageOf(open);

    it("takes events at every level from a log and its children", () => {
      const { log } = stage().world;
      const child = log.child({ mod: "test" }).child({ partition: 3 });
      for (const each of [log, child]) {
        each.debug({}, "debug-event");
        each.info({ count: 1 }, "info-event");
        each.warn({ fault: new Error("planned") }, "warn-event");
        each.error({ fault: { kind: "disk", code: "EIO" } }, "error-event");
      }
    });
  });
}
