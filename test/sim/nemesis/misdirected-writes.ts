// A write that lands at another place of its file, or in another file, while its target keeps what it had: two kinds of
// damage at once, and the disk says that all went well. The page cache hides both until its pages are dropped or the
// power fails. One disk of a run alone does so, and what lies where the write lands is on another disk too, for the reason
// that flipped bits have (D1, D3).
import type { SimBroker } from "../cluster/sim-cluster.ts";
import type { Astray, JournalWrite } from "../world/sim-device.ts";
import type { Stage } from "./stage.ts";

const BLOCK_BYTES = 4096;
const LOOK_MS = 5;
const WAIT_MS_MAX = 500;
const EVICT_MS_MAX = 400;

/** What a file held when it was chosen. */
interface Place {
  readonly path: string;
  readonly before: Buffer;
  readonly position: number;
}

export class MisdirectedWrites {
  readonly #stage: Stage;
  readonly #mayLose: (at: SimBroker) => boolean;

  constructor(stage: Stage, mayLose: (at: SimBroker) => boolean) {
    this.#stage = stage;
    this.#mayLose = mayLose;
  }

  async order(at: SimBroker): Promise<void> {
    const { simulation, entropy, undoAfter } = this.#stage;
    const place = this.#choose(at);
    // Pages that stay until the power fails, or are read from the platter once something later was written.
    const evictMs = entropy.chance(500) ? entropy.between(1, EVICT_MS_MAX) : null;
    if (place === null || !this.#mayLose(at)) return;
    const isHeldElsewhere = this.#stage.heldElsewhere(at);
    for (let waitedMs = 0; !isHeldElsewhere(); waitedMs += LOOK_MS) {
      if (waitedMs >= WAIT_MS_MAX) return;
      await simulation.sleepMs(LOOK_MS);
    }
    const { disk } = at.node;
    disk.misdirect = (write) => {
      // A pulse says nothing, and is missed by nobody.
      if (write.bytes[0] === 0) return null;
      disk.misdirect = null;
      const astray = this.#mayLose(at) ? this.#astray(at, write, place) : null;
      if (astray !== null) this.#strayed(at, write, astray, evictMs);
      return astray;
    };
    undoAfter(WAIT_MS_MAX, () => (disk.misdirect = null));
  }

  #strayed(at: SimBroker, write: JournalWrite, astray: Astray, evictMs: number | null): void {
    const { totals, supervisor, note } = this.#stage;
    totals.misdirected++;
    supervisor.loses(at);
    supervisor.misplaced.add(at);
    note(`a write of ${write.bytes.length} bytes went astray on ${at.id}`);
    if (evictMs !== null) void this.#evict(at, write, astray, evictMs);
  }

  /** Not before a later batch vouches for the one that is missing: without that nobody can know that there was one. */
  async #evict(at: SimBroker, write: JournalWrite, astray: Astray, ms: number): Promise<void> {
    const { disk } = at.node;
    await this.#stage.simulation.sleepMs(ms);
    const isLast = (): boolean => disk.lastWrite === write || disk.lastWrite?.bytes[0] === 0;
    for (let k = 0; isLast(); k++) {
      if (k >= WAIT_MS_MAX / LOOK_MS) return;
      await this.#stage.simulation.sleepMs(LOOK_MS);
    }
    write.file.evict();
    astray.file.evict();
  }

  /** Where it lands: null when the place is not what it was. */
  #astray(at: SimBroker, write: JournalWrite, { path, before, position }: Place): Astray | null {
    const file = at.node.disk.platter.file(path);
    if (file === undefined) return null;
    const isSame = file === write.file && position === write.position;
    const isAsChosen = before.equals(file.cachedView.subarray(0, before.length));
    return isAsChosen && !isSame ? { file, position } : null;
  }

  /** A block of a file of the data directory, up to where anything stands in it. */
  #choose({ node }: SimBroker): Place | null {
    const { entropy } = this.#stage;
    const { disk } = node;
    const journal = disk.paths().filter((path) => path.includes("/journal/"));
    const paths = entropy.chance(850) ? journal : disk.paths();
    const path = paths[entropy.below(Math.max(1, paths.length))];
    if (path === undefined) return null;
    const bytes = disk.peek(path);
    const { lastWrite } = disk;
    const end = path === lastWrite?.path ? lastWrite.position : bytes.length;
    const last = bytes.subarray(0, end).findLastIndex((byte) => byte !== 0);
    if (last < 0) return null;
    const position = BLOCK_BYTES * entropy.below(Math.floor(last / BLOCK_BYTES) + 1);
    return { path, before: Buffer.from(bytes.subarray(0, last + 1)), position };
  }
}
