// What a number of seeds means: every profile meets every workload, and a failure says how to see it again.
import { expect, test } from "vitest";
import { failureText, HELP, orderOf, readOptions } from "./options.ts";
import type { Options } from "./options.ts";
import { planOf } from "./plan.ts";
import { PROFILE_NAMES, PROFILES, profileOf } from "./profiles.ts";

const ALL: Options = {
  seeds: [],
  workload: "mixed",
  profile: "all",
  mutant: null,
  trace: false,
  shrink: false,
  story: null,
  processes: 2,
};

test("thirty-two seeds in a row meet every profile with every workload", () => {
  const orders = Array.from({ length: 32 }, (_, k) => orderOf(1_000 + k, ALL));
  const met = new Set(orders.map(({ profile, workload }) => `${profile} ${workload}`));
  const drawn = new Set(PROFILE_NAMES.map((_, k) => profileOf(4 * k)));
  for (const profile of drawn) {
    for (const workload of ["service", "kafka", "groups"]) {
      expect(met).toContain(`${profile} ${workload}`);
    }
  }
});

test("a failure prints the command that replays it, whatever run it was part of", () => {
  const order = orderOf(57, { ...ALL, mutant: "undo-late" });
  const findings = [{ property: "writes resume", detail: "they do not", atUs: 1_500 }] as const;
  expect(failureText(order, { findings })).toBe(
    [
      `seed 57 (${order.profile}) failed`,
      '  at 1.500 ms, "writes resume": they do not',
      `  replay: make sim SEED=57 SEEDS=1 WORKLOAD=service PROFILE=${order.profile} ARGS="--trace --mutant undo-late"`,
    ].join("\n"),
  );
});

test("a command line is understood, or refused in words", () => {
  const words = ["--seed", "7", "--seeds", "2", "--and", "90", "--processes", "3"];
  expect(readOptions(words)).toEqual({ ...ALL, seeds: [7, 8, 90, 91], processes: 3 });
  for (const processes of ["0", "-1", "1.5", "many"]) {
    expect(readOptions([`--processes=${processes}`])).toBeInstanceOf(Error);
  }
  expect(readOptions(["--seats", "1"])).toMatchObject({
    message: expect.stringMatching(/'--seats'.*; see --help$/s) as string,
  });
  expect(readOptions(["--seed", "7", "--help"])).toBe("help");
  for (const name of [...PROFILE_NAMES, "--processes", "--story"]) expect(HELP).toContain(name);
});

test("what a profile names is always there, whatever the seed", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { faults, brokers } = planOf(seed, "service", PROFILES.membership);
    expect(faults.get("move replicas")).toBeGreaterThan(0);
    expect(brokers).toBeGreaterThan(3);
    expect(planOf(seed, "service", PROFILES.links).faults.has("restore disk")).toBe(false);
  }
});
