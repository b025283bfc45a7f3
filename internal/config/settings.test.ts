import { describe, expect, it } from "vitest";
import type { Result } from "../base/result.ts";
import { nearestName } from "./nearest.ts";
import { SETTING_NAMES, SETTINGS } from "./settings-table.ts";
import type { Setting } from "./setting.ts";
import { describeSettingFault, environmentName, loadSettings, settingsOf } from "./settings.ts";
import type { SettingFault, Settings, SettingSources } from "./settings.ts";

function loaded(sources: SettingSources): Settings {
  return valueOf(loadSettings(sources));
}

function valueOf(result: Result<Settings, readonly SettingFault[]>): Settings {
  if (!result.ok) throw new Error(result.fault.map(describeSettingFault).join("; "));
  return result.value;
}

function complaints(sources: SettingSources): string[] {
  const result = loadSettings(sources);
  return result.ok ? [] : result.fault.map(describeSettingFault);
}

describe("the table", () => {
  it("has defaults that parse from how they are shown, and that fit together", () => {
    for (const name of SETTING_NAMES) {
      const setting = SETTINGS[name] as Setting<unknown>;
      expect([name, setting.parse(setting.show(setting.fallback))]).toEqual([
        name,
        { ok: true, value: setting.fallback },
      ]);
    }
    expect(complaints({})).toEqual([]);
  });

  it("has one environment name for each setting", () => {
    expect(environmentName("link.silence.ms")).toBe("FLOTILLA_LINK_SILENCE_MS");
    expect(new Set(SETTING_NAMES.map(environmentName)).size).toBe(SETTING_NAMES.length);
  });
});

describe("loadSettings", () => {
  it("prefers a flag to the environment, that to the file, and that to the default", () => {
    const fileText = JSON.stringify({ "link.silence.ms": 600, rack: "a", "log.level": "debug" });
    const environment = { FLOTILLA_LINK_SILENCE_MS: "700ms", FLOTILLA_RACK: "b", HOME: "/root" };
    const settings = loaded({ fileText, environment, flags: ["--link.silence.ms=800"] });
    expect(settings.get("link.silence.ms")).toBe(800);
    expect(settings.get("rack")).toBe("b");
    expect(settings.get("log.level")).toBe("debug");
    expect(settings.get("link.ping.ms")).toBe(100);
    expect(
      (["link.silence.ms", "rack", "log.level", "link.ping.ms"] as const).map(settings.origin),
    ).toEqual(["flag", "environment", "file", "default"]);
  });

  it("reads nested objects and lists in a file", () => {
    const fileText = JSON.stringify({
      link: { silence: { ms: "1s" } },
      "initial.brokers": ["1@a:1", "2@[::1]:2"],
    });
    const settings = loaded({ fileText });
    expect(settings.get("link.silence.ms")).toBe(1000);
    expect(settings.get("initial.brokers")).toEqual([
      { id: 1, address: { host: "a", port: 1 } },
      { id: 2, address: { host: "::1", port: 2 } },
    ]);
    expect(settings.show("initial.brokers")).toBe("1@a:1,2@[::1]:2");
  });

  it("reads flags as --name value, --name=value and --set name=value", () => {
    const flags = ["--rack", "a=b", "--broker.id=7", "--set", "log.level=warn"];
    const settings = loaded({ flags });
    expect(settings.get("rack")).toBe("a=b");
    expect(settings.get("broker.id")).toBe(7);
    expect(settings.get("log.level")).toBe("warn");
  });

  it("names the nearest setting for one that it does not know, in the spelling of the source", () => {
    expect(complaints({ flags: ["--link.silense.ms=1"] })).toEqual([
      "unknown setting link.silense.ms (flag); did you mean link.silence.ms?",
    ]);
    expect(complaints({ environment: { FLOTILLA_BROKERID: "1" } })).toEqual([
      "unknown setting FLOTILLA_BROKERID (environment); did you mean FLOTILLA_BROKER_ID?",
    ]);
    expect(complaints({ fileText: `{"zzz": {"q": 1}}` })).toEqual(["unknown setting zzz.q (file)"]);
  });

  it("reports every fault at once, and refuses values of the wrong form", () => {
    const flags = [
      "--link.ping.ms=1 week",
      "--journal.file.bytes=1KiB",
      "--broker.id=0",
      "--kafka.listen=nowhere",
      "--follower.fetch=yes",
      "--log.level=loud",
      "--initial.brokers=1@a:1,1@b:1",
      "--rack",
    ];
    expect(complaints({ flags })).toEqual([
      "--rack has no value",
      "the value of link.ping.ms (flag) is not a duration",
      "the value of journal.file.bytes (flag) is below the least value, 8MiB",
      "the value of broker.id (flag) is below the least value, 1",
      "the value of kafka.listen (flag) is not host:port",
      "the value of follower.fetch (flag) is neither true nor false",
      "the value of log.level (flag) is none of debug, info, warn, error",
      "the value of initial.brokers (flag) names broker 1 twice",
    ]);
    expect(complaints({ fileText: "[1]" })).toEqual(["the settings file is not a JSON object"]);
    expect(complaints({ fileText: "{" })[0]).toMatch(/^the settings file .*JSON/);
    expect(complaints({ flags: ["start"] })).toEqual(["start is not a flag"]);
  });
});

describe("contradictions", () => {
  it("are found between settings that are fine by themselves", () => {
    expect(complaints({ flags: ["--initial.brokers=2@a:1,3@b:1"] })).toEqual([
      "initial.brokers must name this broker's own broker.id, or be empty",
    ]);
    expect(complaints({ flags: ["--link.ping.ms=300"] })).toHaveLength(1);
    expect(complaints({ flags: ["--journal.stall.fence.ms=400"] })).toHaveLength(1);
    expect(complaints({ flags: ["--max.message.bytes=4MiB"] })).toHaveLength(1);
    expect(complaints({ flags: ["--connections.bytes.max=50MiB"] })).toHaveLength(1);
  });

  it("include a sum of memory limits above the memory setting, with the largest named", () => {
    expect(complaints({ flags: ["--journal.arena.bytes=2GiB"] })).toEqual([
      expect.stringMatching(
        /^the memory limits add up to \d+ MiB, more than memory.bytes.max, 1024 MiB; the largest are journal.arena.bytes 2048 MiB, max.decompressed.bytes twice/,
      ),
    ]);
    expect(
      complaints({ flags: ["--journal.arena.bytes=2GiB", "--memory.bytes.max=4GiB"] }),
    ).toEqual([]);
  });
});

it("settingsOf puts given values over the defaults and checks them too", () => {
  const settings = valueOf(settingsOf({ "follower.fetch": true, "link.ping.ms": 50 }));
  expect(settings.get("follower.fetch")).toBe(true);
  expect(settings.get("link.ping.ms")).toBe(50);
  expect(settings.origin("link.ping.ms")).toBe("given");
  expect(settingsOf({ "link.ping.ms": 5000 }).ok).toBe(false);
  const misspelt = settingsOf({ "link.png.ms": 50, "broker.id": -1 } as object);
  expect(misspelt.ok ? [] : misspelt.fault.map(describeSettingFault)).toEqual([
    "unknown setting link.png.ms (given); did you mean link.ping.ms?",
    "the value of broker.id (given) is below the least value, 1",
  ]);
});

it("nearestName finds the fewest edits, and nothing for a name that is far from all", () => {
  expect(nearestName("abcdf", ["abcde", "abcdfg", "xyz"])).toBe("abcde");
  expect(nearestName("abcdf", ["vwxyz"])).toBe(null);
  expect(nearestName("link.silence", ["link.silence.ms", "link.stall.ms.max"])).toBe(
    "link.silence.ms",
  );
});
