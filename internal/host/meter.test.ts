import { expect, it } from "vitest";
import { HostMeter } from "./meter.ts";

async function lines(meter: HostMeter): Promise<string[]> {
  const { body } = await meter.render();
  return body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

it("observedSeries shows the series that there are at the moment, whatever their labels say", async () => {
  const meter = new HostMeter();
  let series: readonly (readonly [Record<string, string>, number])[] = [];
  meter.observedSeries("flotilla_group_lag_records", "Behind.", () => series);
  expect(await lines(meter)).toEqual([]);
  series = [
    [{ group: "plain" }, 3],
    [{ group: 'a "quoted"\\\nname' }, 0],
  ];
  expect(await lines(meter)).toEqual([
    'flotilla_group_lag_records{group="plain"} 3',
    'flotilla_group_lag_records{group="a \\"quoted\\"\\\\\\nname"} 0',
  ]);
  series = [];
  expect(await lines(meter)).toEqual([]);
});
