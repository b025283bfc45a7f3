import { describe, expect, it } from "vitest";
import type { LogIndex, ReplicaId } from "../model/ids.ts";
import { accept, newProgress, restart } from "./progress.ts";

const index = (value: number) => value as LogIndex;
const zero = index(0);

function probing(next: number) {
  const progress = newProgress(2 as ReplicaId, index(next));
  progress.probing = true;
  return progress;
}

describe("accept", () => {
  it("ends the probe and goes on after what agrees", () => {
    const progress = probing(8);
    expect(accept(progress, index(9), zero)).toBe(true);
    expect(progress).toMatchObject({ mode: "replicate", match: 9, next: 10, probing: false });
  });

  it("of an older request is no news and moves nothing back", () => {
    const progress = probing(8);
    accept(progress, index(9), zero);
    progress.next = index(14);
    expect(accept(progress, index(7), zero)).toBe(false);
    expect(accept(progress, index(9), zero)).toBe(false);
    expect(progress).toMatchObject({ match: 9, next: 14 });
    expect(accept(progress, index(11), zero)).toBe(true);
    expect(progress).toMatchObject({ match: 11, next: 14 });
  });

  it("below the base leaves the peer waiting for the bulk copy", () => {
    const progress = probing(3);
    progress.mode = "base";
    expect(accept(progress, index(4), index(5))).toBe(true);
    expect(progress.mode).toBe("base");
    accept(progress, index(5), index(5));
    expect(progress).toMatchObject({ mode: "replicate", next: 6 });
  });
});

describe("restart", () => {
  it("goes on after what is known to agree, and says the commit position again", () => {
    const progress = probing(8);
    accept(progress, index(9), zero);
    progress.next = index(14);
    progress.commitSent = index(9);
    progress.announced = true;
    restart(progress);
    expect(progress).toMatchObject({
      mode: "replicate",
      next: 10,
      commitSent: 0,
      announced: false,
    });
  });

  it("probes again where it probed when nothing is known to agree", () => {
    const progress = probing(8);
    restart(progress);
    expect(progress).toMatchObject({ mode: "probe", next: 8, probing: false });
  });
});
