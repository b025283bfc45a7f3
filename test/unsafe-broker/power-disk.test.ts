// What a failure of the power takes and leaves, on real files: what was synced stays, unless the disk lied.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { HostDisk } from "../../internal/host/disk.ts";
import type { JournalFile } from "../../internal/ports/disk.ts";
import { PowerDisk } from "./power-disk.ts";
import type { PowerLoss, PowerOrder } from "../../jepsen-like/cluster/power.ts";

const HONEST: PowerOrder = { seed: 1, tear: "torn", lostMs: 0 };
const root = mkdtempSync(join(tmpdir(), "power-disk-"));
let machines = 0;

const host = new HostDisk();

afterAll(async () => {
  await host.stop();
  rmSync(root, { recursive: true, force: true });
});

/** A machine with an empty disk. `lossOf` lets the power fail and tells what was lost. */
function machine() {
  const directory = join(root, String(++machines));
  const attic = join(directory, "attic");
  const data = join(directory, "data");
  mkdirSync(attic, { recursive: true });
  mkdirSync(data);
  let off: (loss: PowerLoss) => void = () => undefined;
  const loss = new Promise<PowerLoss>((resolve) => (off = resolve));
  const disk = new PowerDisk(host, attic, off, 10);
  return { disk, data, lossOf: (order: PowerOrder) => (disk.fail(order), loss) };
}

async function journalOf({ disk, data }: ReturnType<typeof machine>): Promise<JournalFile> {
  const opened = await disk.journal.open(join(data, "journal"), true);
  if (!opened.ok) throw new Error(opened.fault.code);
  return opened.value;
}

function written(
  { disk }: ReturnType<typeof machine>,
  file: JournalFile,
  at: number,
  fill: number,
) {
  const bytes = disk.journal.allocate(4096).fill(fill);
  return new Promise<void>((resolve) => file.write(at, [bytes], () => resolve()));
}

test("a journal write under way is torn, and those before it stay", async () => {
  const one = machine();
  const file = await journalOf(one);
  await written(one, file, 0, 7);
  const loss = one.lossOf(HONEST);
  void written(one, file, 4096, 8);
  const { sectors, tear, acknowledged } = await loss;
  expect({ tear, acknowledged }).toEqual({ tear: "torn", acknowledged: 0 });
  expect(sectors).toBeGreaterThan(0);
  const bytes = readFileSync(file.path);
  expect(bytes.subarray(0, 4096).every((byte) => byte === 7)).toBe(true);
  expect(bytes.subarray(4096).filter((byte) => byte === 8)).toHaveLength((8 - sectors) * 512);
  await file.close();
});

test("a disk that lies loses journal writes that it had acknowledged", async () => {
  const one = machine();
  const file = await journalOf(one);
  await written(one, file, 0, 7);
  const { acknowledged } = await one.lossOf({ ...HONEST, lostMs: 60_000 });
  expect(acknowledged).toBe(1);
  expect(readFileSync(file.path).every((byte) => byte === 0)).toBe(true);
  await file.close();
});

test("bytes and names that were not synced come back as they were, synced ones stay", async () => {
  let blocksLost = 0;
  for (let seed = 0; seed < 20; seed++) {
    const one = machine();
    const { bulk } = one.disk;
    const [kept, risky, old] = ["kept", "risky", "old"].map((name) => join(one.data, name));
    await bulk.replaceWhole(old!, Buffer.from("old"));
    await bulk.write(kept!, 0, Buffer.from("kept"));
    await bulk.sync(kept!);
    await bulk.write(risky!, 0, Buffer.from("risky"));
    await bulk.rename(risky!, join(one.data, "renamed"));
    await bulk.remove(old!);
    const { blocks, names } = await one.lossOf({ ...HONEST, seed });
    blocksLost += blocks;
    const found = readdirSync(one.data).sort();
    expect(readFileSync(kept!, "utf8")).toBe("kept");
    const expected = [
      ["kept", "renamed"],
      ["kept", "old", "renamed"],
      ["kept", "old", "risky"],
      ["kept", "old"],
    ];
    expect(found).toEqual(expected[names]);
    if (names > 0) expect(readFileSync(old!, "utf8")).toBe("old");
  }
  expect(blocksLost).toBeGreaterThan(0);
});
