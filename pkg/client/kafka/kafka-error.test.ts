// What people read when a broker refuses.
import { expect, test } from "vitest";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import { refused } from "./kafka-error.ts";

test("an error is named once, behind the broker's own words where it has any", () => {
  const code = ErrorCode.OFFSET_OUT_OF_RANGE;
  expect(refused(code, "offset 9 of t/0").message).toBe("offset 9 of t/0: OFFSET_OUT_OF_RANGE");
  expect(refused(code, "offset 9 of t/0", "The log ends at 3.").message).toBe(
    "offset 9 of t/0: The log ends at 3. (OFFSET_OUT_OF_RANGE)",
  );
});
