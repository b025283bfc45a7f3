// What every Disk keeps. Loss of power is the simulator's; here is what a process can see by itself.
import { describe, expect, it } from "vitest";
import type { DiskFault, JournalFile } from "../../internal/ports/disk.ts";
import { eventually, patternOf, stageOf, valueOf } from "./stage.ts";
import type { OpenStage, Stage } from "./stage.ts";

export function describeDisk(name: string, open: OpenStage): void {
  describe(`bulk lane of the ${name}`, () => describeBulk(stageOf(open)));
  describe(`journal lane of the ${name}`, () => describeJournal(stageOf(open)));
  describe(`directory lock of the ${name}`, () => describeLock(stageOf(open)));
}

function codeOf(outcome: { ok: boolean; fault?: unknown }): string {
  return outcome.ok ? "none" : (outcome.fault as DiskFault).code;
}

function describeBulk(stage: () => Stage): void {
  it("makes directories with their parents, again without a fault, and lists them sorted", async () => {
    const { world, directory, play } = stage();
    const { bulk } = world.disk;
    await play(async () => {
      valueOf(await bulk.makeDirectory(`${directory}/a/b/c`));
      valueOf(await bulk.makeDirectory(`${directory}/a/b/c`));
      for (const each of ["z", "m", "B"])
        valueOf(await bulk.makeDirectory(`${directory}/a/${each}`));
      expect(valueOf(await bulk.list(`${directory}/a`))).toEqual(["B", "b", "m", "z"]);
      expect(valueOf(await bulk.list(`${directory}/a/b/c`))).toEqual([]);
    });
  });

  it("names what is missing with ENOENT", async () => {
    const { world, directory, play } = stage();
    const { bulk } = world.disk;
    const path = `${directory}/missing`;
    await play(async () => {
      expect(codeOf(await bulk.list(path))).toBe("ENOENT");
      expect(codeOf(await bulk.read(path, 0, new Uint8Array(4)))).toBe("ENOENT");
      expect(codeOf(await bulk.length(path))).toBe("ENOENT");
      expect(codeOf(await bulk.readWhole(path))).toBe("ENOENT");
      expect(codeOf(await bulk.rename(path, `${directory}/other`))).toBe("ENOENT");
      expect(codeOf(await bulk.remove(path))).toBe("ENOENT");
      expect(codeOf(await bulk.sync(path))).toBe("ENOENT");
      expect(codeOf(await bulk.write(`${path}/inside`, 0, new Uint8Array(1)))).toBe("ENOENT");
      expect(codeOf(await bulk.replaceWhole(`${path}/inside`, new Uint8Array(1)))).toBe("ENOENT");
    });
  });

  it("reads what was written, up to the end of the file, and zeros in a gap", async () => {
    const { world, directory, play } = stage();
    const { bulk } = world.disk;
    const path = `${directory}/file`;
    const bytes = patternOf(10_000);
    await play(async () => {
      valueOf(await bulk.write(path, 5_000, bytes));
      expect(valueOf(await bulk.length(path))).toBe(15_000);
      const into = new Uint8Array(8_000).fill(1);
      expect(valueOf(await bulk.read(path, 0, into))).toBe(8_000);
      expect(into.subarray(0, 5_000).every((byte) => byte === 0)).toBe(true);
      expect(Buffer.compare(into.subarray(5_000), bytes.subarray(0, 3_000))).toBe(0);
      expect(valueOf(await bulk.read(path, 14_000, into))).toBe(1_000);
      expect(valueOf(await bulk.read(path, 20_000, into))).toBe(0);
      valueOf(await bulk.sync(path));
      expect(valueOf(await bulk.readWhole(path))).toHaveLength(15_000);
    });
  });

  it("replaceWhole leaves the newest bytes and no temporary, also when calls overlap", async () => {
    const { world, directory, play } = stage();
    const { bulk } = world.disk;
    const path = `${directory}/whole`;
    await play(async () => {
      valueOf(await bulk.replaceWhole(path, patternOf(9_000)));
      const turns = [1, 2, 3].map((salt) => bulk.replaceWhole(path, patternOf(100 * salt, salt)));
      for (const turn of turns) valueOf(await turn);
      expect(Buffer.compare(valueOf(await bulk.readWhole(path)), patternOf(300, 3))).toBe(0);
      expect(valueOf(await bulk.list(directory))).toEqual(["whole"]);
    });
  });

  it("rename replaces its target and remove takes files and empty directories", async () => {
    const { world, directory, play } = stage();
    const { bulk } = world.disk;
    await play(async () => {
      valueOf(await bulk.write(`${directory}/from`, 0, Uint8Array.of(1, 2)));
      valueOf(await bulk.write(`${directory}/to`, 0, Uint8Array.of(3)));
      valueOf(await bulk.rename(`${directory}/from`, `${directory}/to`));
      expect([...valueOf(await bulk.readWhole(`${directory}/to`))]).toEqual([1, 2]);
      valueOf(await bulk.makeDirectory(`${directory}/full`));
      valueOf(await bulk.write(`${directory}/full/file`, 0, Uint8Array.of(4)));
      expect(codeOf(await bulk.remove(`${directory}/full`))).toBe("ENOTEMPTY");
      valueOf(await bulk.remove(`${directory}/full/file`));
      valueOf(await bulk.remove(`${directory}/full`));
      expect(valueOf(await bulk.list(directory))).toEqual(["to"]);
    });
  });

  it("refuses to read a file over 16 MiB whole", async () => {
    const { world, directory, play } = stage();
    await play(async () => {
      valueOf(await world.disk.bulk.write(`${directory}/big`, 16 << 20, Uint8Array.of(1)));
      expect(codeOf(await world.disk.bulk.readWhole(`${directory}/big`))).toBe("EFBIG");
    });
  });

  it("says how much room is left", async () => {
    const { world, directory, play } = stage();
    const { bulk } = world.disk;
    const free = valueOf(await play(() => bulk.freeBytes(directory)));
    const total = valueOf(await play(() => bulk.totalBytes(directory)));
    expect(free).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(free);
    const missing = await play(() => bulk.totalBytes(`${directory}/nothing`));
    expect(codeOf(missing)).toBe("ENOENT");
  });

  it("answers many operations at once", async () => {
    const { world, directory, play } = stage();
    const { bulk } = world.disk;
    await play(async () => {
      const writes = Array.from({ length: 50 }, (_, index) =>
        bulk.write(`${directory}/many`, index * 100, patternOf(100, index)),
      );
      for (const write of writes) valueOf(await write);
      const whole = valueOf(await bulk.readWhole(`${directory}/many`));
      for (let index = 0; index < 50; index++) {
        const part = whole.subarray(index * 100, index * 100 + 100);
        expect(Buffer.compare(part, patternOf(100, index))).toBe(0);
      }
    });
  });
}

/** One journal write, as a promise of its fault. */
function written(
  file: JournalFile,
  position: number,
  parts: readonly Uint8Array[],
): Promise<DiskFault | null> {
  return new Promise((resolve) => file.write(position, parts, resolve));
}

function describeJournal(stage: () => Stage): void {
  it("opens a missing file only when told to create it", async () => {
    const { world, directory, play } = stage();
    const { journal, bulk } = world.disk;
    await play(async () => {
      expect(codeOf(await journal.open(`${directory}/0`, false))).toBe("ENOENT");
      const file = valueOf(await journal.open(`${directory}/0`, true));
      expect(valueOf(await bulk.length(`${directory}/0`))).toBe(0);
      await file.close();
      await valueOf(await journal.open(`${directory}/0`, false)).close();
      expect(codeOf(await journal.open(`${directory}/missing/0`, true))).toBe("ENOENT");
    });
  });

  it("writes its parts one after another at the position, growing the file or in place", async () => {
    const { world, directory, play } = stage();
    const { journal, bulk } = world.disk;
    const memory = journal.allocate(64 << 10);
    const other = journal.allocate(4096);
    memory.set(patternOf(64 << 10));
    other.fill(0xee);
    await play(async () => {
      const file = valueOf(await journal.open(`${directory}/1`, true));
      expect(await written(file, 4096, [memory.subarray(0, 100), other, memory])).toBeNull();
      expect(await written(file, 0, [memory.subarray(500, 501)])).toBeNull();
      expect(await written(file, 4096 + 100, [memory.subarray(7, 10)])).toBeNull();
      const whole = valueOf(await bulk.readWhole(`${directory}/1`));
      const expected = new Uint8Array(4096 + 100 + 4096 + (64 << 10));
      expected.set(memory.subarray(0, 100), 4096);
      expected.set(other, 4096 + 100);
      expected.set(memory, 4096 + 100 + 4096);
      expected.set(memory.subarray(500, 501), 0);
      expected.set(memory.subarray(7, 10), 4096 + 100);
      expect(Buffer.compare(whole, expected)).toBe(0);
      await file.close();
    });
  });

  it("allocate gives zeroed memory, also after other memory was used", async () => {
    const { world, directory, play } = stage();
    const { journal, bulk } = world.disk;
    await play(async () => {
      const file = valueOf(await journal.open(`${directory}/2`, true));
      for (let index = 0; index < 5; index++) {
        const memory = journal.allocate(1000);
        expect(memory.every((byte) => byte === 0)).toBe(true);
        memory.fill(index + 1);
        expect(await written(file, index * 1000, [memory])).toBeNull();
      }
      const whole = valueOf(await bulk.readWhole(`${directory}/2`));
      expect([...new Set(whole)]).toEqual([1, 2, 3, 4, 5]);
      await file.close();
    });
  });

  it("never calls done inside write, and a write from within done is fine", async () => {
    const { world, directory, play } = stage();
    const memory = world.disk.journal.allocate(4096);
    const seen: string[] = [];
    await play(async () => {
      const file = valueOf(await world.disk.journal.open(`${directory}/3`, true));
      const step = (left: number): void => {
        if (left === 0) return;
        let inside = true;
        memory.fill(left);
        file.write((10 - left) * 4096, [memory], (fault) => {
          seen.push(`${left} ${String(fault)} ${inside ? "inside" : "later"}`);
          step(left - 1);
        });
        inside = false;
      };
      step(10);
      await eventually(world, () => seen.length === 10);
      const whole = valueOf(await world.disk.bulk.readWhole(`${directory}/3`));
      for (let at = 0; at < 10; at++) expect(whole[at * 4096]).toBe(10 - at);
      await file.close();
    });
    expect(seen).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map((left) => `${left} null later`));
  });

  it("refuses a second write, closing during a write, foreign memory and too many parts", async () => {
    const { world, directory, play } = stage();
    const { journal } = world.disk;
    const memory = journal.allocate(4096);
    await play(async () => {
      const file = valueOf(await journal.open(`${directory}/4`, true));
      const other = valueOf(await journal.open(`${directory}/5`, true));
      const nine = new Array<Uint8Array>(9).fill(memory);
      expect(() => file.write(0, nine, () => undefined)).toThrow("1 to 8 parts");
      expect(() => file.write(0, [new Uint8Array(9)], () => undefined)).toThrow("allocate");
      expect(() => file.write(-1, [memory], () => undefined)).toThrow("0 or more");
      const first = written(file, 0, [memory]);
      expect(() => file.write(4096, [memory], () => undefined)).toThrow("one journal write");
      expect(() => other.write(0, [memory], () => undefined)).toThrow("one journal write");
      await expect(file.close()).rejects.toThrow("not closed during");
      expect(await first).toBeNull();
      expect(await written(other, 0, [memory])).toBeNull();
      await file.close();
      await other.close();
      expect(() => file.write(0, [memory], () => undefined)).toThrow("open while");
    });
  });
}

function describeLock(stage: () => Stage): void {
  it("is held by one owner until it is released", async () => {
    const { world, directory, play } = stage();
    await play(async () => {
      const lock = valueOf(await world.disk.lock(directory));
      const second = await world.disk.lock(directory);
      expect(second.ok ? "taken" : second.fault.kind).toBe("held");
      await lock.release();
      await lock.release();
      await valueOf(await world.disk.lock(directory)).release();
    });
  });

  it("faults when the directory is missing", async () => {
    const { world, directory, play } = stage();
    expect(codeOf(await play(() => world.disk.lock(`${directory}/missing`)))).toBe("ENOENT");
  });
}
