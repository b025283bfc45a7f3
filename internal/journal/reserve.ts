// The reserve file (J8): room that is given up when the disk is full, for an orderly stop and for the next start. While
// it is gone the disk counts as short, and clients have to wait.
import type { World } from "../ports/world.ts";

/** The reserve is made when this many times its size are free. */
const FREE_FACTOR = 4;
const RETRY_MS = 1_000;

export class Reserve {
  readonly #world: World;
  readonly #path: string;
  readonly #bytes: number;
  #isShort = false;
  #isStopped = false;

  constructor(world: World, directory: string, bytes: number) {
    this.#world = world;
    this.#path = reservePath(directory);
    this.#bytes = bytes;
  }

  /** There is no reserve and no room for one. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** Makes the file when it is missing, in the background, again and again until there is room. */
  keep(): void {
    if (this.#isStopped) return;
    this.#world.tasks.spawn("journal-reserve", async () => {
      const isMade = await this.#make();
      if (!isMade && !this.#isShort) this.#world.log.warn({}, "no room for the reserve file");
      this.#isShort = !isMade;
      if (!isMade) this.#world.clock.after(RETRY_MS, () => this.keep());
    });
  }

  /** The disk is full. */
  giveUp(): void {
    if (this.#isShort || this.#isStopped) return;
    this.#isShort = true;
    this.#world.log.warn({}, "disk is full");
    this.#world.tasks.spawn("journal-free-reserve", async () => {
      await this.#world.disk.bulk.remove(this.#path);
      this.#world.clock.after(RETRY_MS, () => this.keep());
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #make(): Promise<boolean> {
    const { bulk } = this.#world.disk;
    const measured = await bulk.length(this.#path);
    if (measured.ok && measured.value >= this.#bytes) return true;
    const free = await bulk.freeBytes(parentOf(this.#path));
    if (!free.ok || free.value < FREE_FACTOR * this.#bytes) return false;
    const written = await bulk.writeZeros(this.#path, 0, this.#bytes);
    const synced = written.ok ? await bulk.sync(this.#path) : written;
    return synced.ok;
  }
}

/** Makes room for a start on a full disk. */
export async function freeReserveWhenFull(
  world: World,
  directory: string,
  bytes: number,
): Promise<void> {
  const free = await world.disk.bulk.freeBytes(directory);
  if (!free.ok || free.value >= bytes) return;
  const removed = await world.disk.bulk.remove(reservePath(directory));
  world.log.warn({ free: free.value, removed: removed.ok }, "disk is full");
}

function reservePath(directory: string): string {
  return `${directory}/reserve`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
