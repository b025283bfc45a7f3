import { describe, expect, it } from "vitest";
import { PATTERN_CHARS_MAX, PATTERN_INSTRUCTIONS_MAX } from "./limits.ts";
import { topicPattern } from "./topic-pattern.ts";

function matches(expression: string, name: string): boolean {
  const pattern = topicPattern(expression);
  if (!pattern.ok) throw new Error(`${expression}: ${pattern.fault.kind}`);
  return pattern.value.matches(name);
}

function fault(expression: string): string {
  const pattern = topicPattern(expression);
  return pattern.ok ? "none" : pattern.fault.kind;
}

describe("topicPattern", () => {
  it("matches whole names", () => {
    expect(matches("orders", "orders")).toBe(true);
    expect(matches("orders", "orders-eu")).toBe(false);
    expect(matches("orders", "my-orders")).toBe(false);
    expect(matches("orders|payments", "payments-eu")).toBe(false);
    expect(matches("orders.*", "orders-eu")).toBe(true);
    expect(matches("^orders$", "orders")).toBe(true);
    expect(matches("(?i)ORDERS[._-]\\w+", "orders.eu")).toBe(true);
    expect(matches("", "orders")).toBe(false);
  });

  it("says what is wrong with an expression", () => {
    for (const bad of ["(", "a**", "[z-a]", "a{1001}", "((a{10}){10}){11}", "\\C", "(?P<n>"]) {
      expect([bad, fault(bad)]).toEqual([bad, "pattern-malformed"]);
    }
    const pattern = topicPattern("(");
    expect(pattern).toMatchObject({
      fault: { detail: "error parsing regexp: missing closing ): `(`" },
    });
  });

  it("has no syntax that takes more than linear time", () => {
    for (const bad of ["(a)\\1", "(?=a)a", "(?!a)b", "(?<=a)b", "(?<!a)b", "(?>a)", "a*+"]) {
      expect([bad, fault(bad)]).toEqual([bad, "pattern-malformed"]);
    }
  });

  it("bounds the length of expressions and what counted repetitions make of them", () => {
    expect(fault("a".repeat(PATTERN_CHARS_MAX + 1))).toBe("pattern-too-long");
    expect(fault("(".repeat(500) + "a" + ")".repeat(499))).toBe("pattern-malformed");
    expect(fault("(a?){200}b{200}")).toBe("pattern-too-large");
    const largest = topicPattern("a".repeat(PATTERN_INSTRUCTIONS_MAX - 2));
    expect(largest.ok && largest.value.instructions).toBe(PATTERN_INSTRUCTIONS_MAX);
  });

  it("hostile expressions come to an end with names of a million characters", () => {
    // An engine that backtracks takes 2^30 steps for thirty characters of these.
    const name = `${"a".repeat(1_000_000)}!`;
    for (const hostile of [
      "(a+)+$",
      "(a|a)*",
      "(a|aa)+",
      "(.*a){20}",
      "([a-z]+)*b?",
      "(a*)*(a*)*",
    ]) {
      expect([hostile, matches(hostile, name)]).toEqual([hostile, false]);
    }
  });
});
