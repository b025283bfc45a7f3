// Regular expressions that members subscribe with, as predicates over topic names. The syntax is RE2's, as in Kafka, and a
// name has to match as a whole. The engine takes time linear in the name whatever the expression says; what is left to
// bound is the size of the expression and of the program that counted repetitions make of it.
import { RE2JS } from "re2js";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import { PATTERN_CHARS_MAX, PATTERN_INSTRUCTIONS_MAX } from "./limits.ts";

export type PatternFault =
  | { readonly kind: "pattern-too-long"; readonly charsMax: number }
  | { readonly kind: "pattern-too-large"; readonly instructionsMax: number }
  | { readonly kind: "pattern-malformed"; readonly detail: string };

export interface TopicPattern {
  /** What one character of a name costs at most. */
  readonly instructions: number;
  matches(name: string): boolean;
}

export function topicPattern(expression: string): Result<TopicPattern, PatternFault> {
  if (expression.length > PATTERN_CHARS_MAX) {
    return failed({ kind: "pattern-too-long", charsMax: PATTERN_CHARS_MAX });
  }
  const compiled = compile(expression);
  if (!compiled.ok) return compiled;
  const instructions = compiled.value.programSize();
  if (instructions > PATTERN_INSTRUCTIONS_MAX) {
    return failed({ kind: "pattern-too-large", instructionsMax: PATTERN_INSTRUCTIONS_MAX });
  }
  return ok({ instructions, matches: (name) => compiled.value.testExact(name) });
}

function compile(expression: string): Result<RE2JS, PatternFault> {
  try {
    return ok(RE2JS.compile(expression));
  } catch (thrown) {
    // The engine reports what is wrong with an expression by throwing.
    const detail = thrown instanceof Error ? thrown.message : "it cannot be compiled";
    return failed({ kind: "pattern-malformed", detail });
  }
}
