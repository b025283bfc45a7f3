// What people read when a broker refuses.
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import { ERROR_WORDS } from "./error-words.ts";
import { refused } from "./kafka-error.ts";

test("an error is named once, behind the broker's own words, or sentences of the client where it has none", () => {
  const loading = refused(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, "group g").message;
  expect(loading).toMatch(
    /^group g: the broker in charge .* try again in a moment \(COORDINATOR_LOAD_IN_PROGRESS\)$/,
  );
  expect(
    refused(ErrorCode.OFFSET_OUT_OF_RANGE, "offset 9 of t/0", "The log ends at 3.").message,
  ).toBe("offset 9 of t/0: The log ends at 3. (OFFSET_OUT_OF_RANGE)");
  expect(refused(4_711, "t/0").message).toBe("t/0: the broker refuses it (error 4711)");
});

test("every code that brokers answer with, or that this client makes up, has words", () => {
  const root = `${import.meta.dirname}/../../..`;
  const sources = globSync(["internal/kafka/**/*.ts", "pkg/client/kafka/*.ts"], { cwd: root })
    .filter((path) => !path.endsWith(".test.ts") && !path.endsWith("codec/errors.ts"))
    .map((path) => readFileSync(`${root}/${path}`, "utf8"));
  const used = new Set(
    sources
      .flatMap((text) => [...text.matchAll(/\bErrorCode\.([A-Z_]+)\b/g)])
      .map((found) => found[1] ?? ""),
  );
  expect(used.size).toBeGreaterThan(50);
  used.delete("NONE");
  expect([...used].filter((name) => !Object.hasOwn(ERROR_WORDS, name))).toEqual([]);
});
