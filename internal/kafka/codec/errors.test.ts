// The table of error codes is complete and says the right things about the codes that clients act on.
import { expect, test } from "vitest";
import { ErrorCode, errorName, isRetriable, refreshesMetadata } from "./errors.ts";

test("ErrorCode names every code from -1 to 133 once", () => {
  const codes = Object.values(ErrorCode).sort((left, right) => left - right);
  expect(codes).toEqual(Array.from({ length: 135 }, (_, index) => index - 1));
  expect(errorName(6)).toBe("NOT_LEADER_OR_FOLLOWER");
  expect(errorName(-1)).toBe("UNKNOWN_SERVER_ERROR");
  expect(errorName(134)).toBeUndefined();
});

test("isRetriable and refreshesMetadata know what clients do", () => {
  const retried = [
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.NOT_ENOUGH_REPLICAS,
  ];
  expect(retried.map(isRetriable)).toEqual([true, true, true]);
  expect(retried.map(refreshesMetadata)).toEqual([false, false, false]);
  const refreshing = [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.UNKNOWN_TOPIC_ID];
  expect(refreshing.map((code) => isRetriable(code) && refreshesMetadata(code))).toEqual([
    true,
    true,
  ]);
  const final = [
    ErrorCode.NONE,
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    ErrorCode.MESSAGE_TOO_LARGE,
  ];
  expect(final.some(isRetriable)).toBe(false);
});
