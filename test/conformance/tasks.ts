// What every Tasks keeps: one stop for all background work, and pure jobs with typed refusals.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { patternOf, sleepMs, stageOf, valueOf } from "./stage.ts";
import type { OpenStage } from "./stage.ts";

export function describeTasks(name: string, open: OpenStage): void {
  describe(`Tasks of the ${name}`, () => {
    const stage = stageOf(open);

    it("stop aborts what was spawned and waits for it", async () => {
      const { world, play } = stage();
      const seen: string[] = [];
      await play(async () => {
        for (const each of ["left", "right"]) {
          world.tasks.spawn(each, async (stop) => {
            while (!stop.aborted) await sleepMs(world, 1);
            await sleepMs(world, 2);
            seen.push(each);
          });
        }
        await sleepMs(world, 5);
        expect(seen).toEqual([]);
        await world.tasks.stop();
      });
      expect(seen.toSorted()).toEqual(["left", "right"]);
    });

    it("a rejection after the stop is not a failure", async () => {
      const { world, play } = stage();
      await play(async () => {
        world.tasks.spawn("stubborn", async (stop) => {
          while (!stop.aborted) await sleepMs(world, 1);
          throw new Error("cut short by the stop");
        });
        await world.tasks.stop();
      });
    });

    it("compute decompresses", async () => {
      const { world, play } = stage();
      const plain = patternOf(50_000);
      const job = { job: "decompress", codec: 1, bytesMax: 50_000 } as const;
      const bytes = new Uint8Array(gzipSync(plain));
      const unpacked = await play(() => world.tasks.compute({ ...job, bytes }));
      expect(Buffer.compare(valueOf(unpacked), plain)).toBe(0);
    });

    it("compute leaves the neighbours of its bytes alone", async () => {
      const { world, play } = stage();
      const packed = gzipSync(patternOf(500));
      const around = new Uint8Array(packed.length + 20).fill(7);
      around.set(packed, 10);
      const bytes = around.subarray(10, 10 + packed.length);
      const job = { job: "decompress", codec: 1, bytesMax: 500, bytes } as const;
      valueOf(await play(() => world.tasks.compute(job)));
      expect([...around.subarray(0, 10)]).toEqual(new Array<number>(10).fill(7));
      expect(around.at(-1)).toBe(7);
    });

    it("compute refuses what is too large, corrupt or of an unknown codec", async () => {
      const { world, play } = stage();
      const faults: string[] = [];
      await play(async () => {
        for (const [codec, bytes] of [
          [1, new Uint8Array(gzipSync(patternOf(1_001)))],
          [1, Uint8Array.of(9, 9, 9)],
          [4, Uint8Array.of(1, 2, 3, 4)],
        ] as const) {
          const outcome = await world.tasks.compute({
            job: "decompress",
            codec,
            bytes,
            bytesMax: 1_000,
          });
          faults.push(outcome.ok ? "none" : outcome.fault.kind);
        }
      });
      expect(faults).toEqual(["too-large", "corrupt", "corrupt"]);
    });

    it("compute answers many jobs, each with its own result", async () => {
      const { world, play } = stage();
      await play(async () => {
        const jobs = Array.from({ length: 40 }, async (_, index) => {
          const plain = patternOf(100 + index, index);
          const bytes = new Uint8Array(gzipSync(plain));
          const job = { job: "decompress", codec: 1, bytesMax: 1_000, bytes } as const;
          return Buffer.compare(valueOf(await world.tasks.compute(job)), plain);
        });
        expect(await Promise.all(jobs)).toEqual(new Array<number>(40).fill(0));
      });
    });
  });
}
