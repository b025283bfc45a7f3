// The table of error codes is complete and says the right things about the codes that clients act on.
import { expect, test } from "vitest";
import { ErrorCode, errorName, isRetriable } from "./errors.ts";

test("ErrorCode names every code from -1 to 133 once", () => {
  const codes = Object.values(ErrorCode).sort((left, right) => left - right);
  expect(codes).toEqual(Array.from({ length: 135 }, (_, index) => index - 1));
  expect(errorName(6)).toBe("NOT_LEADER_OR_FOLLOWER");
  expect(errorName(-1)).toBe("UNKNOWN_SERVER_ERROR");
  expect(errorName(134)).toBeUndefined();
});

test("isRetriable knows after which codes clients try again", () => {
  const retried = [
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.NOT_ENOUGH_REPLICAS,
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.UNKNOWN_TOPIC_ID,
  ];
  expect(retried.every(isRetriable)).toBe(true);
  const final = [
    ErrorCode.NONE,
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    ErrorCode.MESSAGE_TOO_LARGE,
  ];
  expect(final.some(isRetriable)).toBe(false);
});
