// Faults of disks: slow ones, failing ones, full ones, and those that come back empty or old.
import type { SimBroker } from "../cluster/sim-cluster.ts";
import type { FaultKind, Plan } from "../plan.ts";
import { CALM_DISK } from "../world/sim-device.ts";
import type { FaultCode, FaultTarget, LaneName } from "../world/sim-device.ts";
import { LostWrites } from "./lost-writes.ts";
import { MisdirectedWrites } from "./misdirected-writes.ts";
import type { Stage } from "./stage.ts";

const STALL_MS_MAX = 3_500;
const FLIP_LOOK_MS = 5;
const FLIP_WAIT_MS_MAX = 500;

export class DiskFaults {
  readonly #stage: Stage;
  readonly #lostMax: number;
  readonly #lostWrites: LostWrites;
  readonly #misdirected: MisdirectedWrites;

  constructor(stage: Stage, plan: Plan) {
    this.#stage = stage;
    // Of every partition a majority of disks stays, of those of __consumer_offsets and of administrators too, which have three.
    const hasThree = plan.groups !== null || plan.administrators > 0;
    this.#lostMax = plan.factor === 5 && !hasThree ? 2 : 1;
    this.#lostWrites = new LostWrites(stage, (at) => this.#mayLose(at));
    this.#misdirected = new MisdirectedWrites(stage, (at) => this.#mayLose(at));
  }

  async order(kind: FaultKind, at: SimBroker): Promise<void> {
    const { entropy } = this.#stage;
    switch (kind) {
      case "journal stall":
        return this.#stall(at, "journal");
      case "bulk stall":
        return this.#stall(at, "bulk");
      case "journal EIO":
        return this.#fail(at, "journal", entropy.chance(800) ? "EIO" : "SHORT");
      case "bulk EIO":
        return this.#fail(at, "bulk", "EIO");
      case "read EIO":
        return this.#fail(at, "read", "EIO");
      case "flip bit":
        return this.#flip(at);
      case "misdirected write":
        return this.#misdirected.order(at);
      case "journal ENOSPC":
        return this.#fill(at);
      case "wipe disk":
        return this.#wipe(at);
      case "restore disk":
        return this.#lostWrites.restore(at);
      case "lose last writes":
        return this.#lostWrites.loseLast(at);
      default:
        return;
    }
  }

  #stall(at: SimBroker, lane: LaneName): void {
    const { entropy, totals } = this.#stage;
    totals.stalls++;
    at.node.disk.stall(lane, 1000 * entropy.between(20, STALL_MS_MAX));
  }

  #fail(at: SimBroker, lane: FaultTarget, code: FaultCode): void {
    const { entropy, totals } = this.#stage;
    totals.diskErrors++;
    at.node.disk.failNext(lane, code, entropy.below(12));
  }

  #fill(at: SimBroker): void {
    const { entropy, totals, undoAfter } = this.#stage;
    const { disk } = at.node;
    totals.diskErrors++;
    const capacityBytes = disk.platter.usedBytes() + entropy.below(300_000);
    disk.options = { ...disk.options, capacityBytes };
    undoAfter(entropy.between(100, 1_500), () => {
      disk.options = { ...disk.options, capacityBytes: CALM_DISK.capacityBytes };
    });
  }

  /**
   * One bit of what a journal file holds, behind everybody's back, on one disk of a run alone, once everything can be
   * fetched again elsewhere: for an entry that nobody else holds, a group whose other disks are in doubt waits until an
   * operator speaks (D1, D3). Not in what was written last: who loses that and then its process cannot know that it had it.
   */
  async #flip(at: SimBroker): Promise<void> {
    const { totals, supervisor, simulation } = this.#stage;
    const { lost, damaged } = supervisor;
    const target = this.#aim(at);
    if (target === null) return;
    const isHeldElsewhere = this.#stage.heldElsewhere(at);
    for (let waitedMs = 0; !isHeldElsewhere(); waitedMs += FLIP_LOOK_MS) {
      if (waitedMs >= FLIP_WAIT_MS_MAX) return;
      await simulation.sleepMs(FLIP_LOOK_MS);
    }
    if (lost.size > 0 || [...damaged].some((other) => other !== at)) return;
    const { path, before, bit } = target;
    const { disk } = at.node;
    // The file may have been used again since.
    const isThere = disk.paths().includes(path);
    if (!isThere || !before.equals(disk.peek(path).subarray(0, before.length))) return;
    totals.flips++;
    supervisor.damages(at);
    disk.flipBit(path, bit);
  }

  /** A bit of a journal file, and what the file holds up to it and after it. */
  #aim({ node }: SimBroker): { path: string; before: Buffer; bit: number } | null {
    const { entropy } = this.#stage;
    const { disk } = node;
    const files = disk.paths().filter((path) => path.includes("/journal/"));
    const path = files[entropy.below(Math.max(1, files.length))];
    const { lastWrite } = disk;
    if (path === undefined || lastWrite === null) return null;
    const bytes = disk.peek(path);
    // The rest of a file is zeros, where nobody would notice.
    const end = path === lastWrite.path ? lastWrite.position : bytes.length;
    const last = bytes.subarray(0, end).findLastIndex((byte) => byte !== 0);
    if (last < 0) return null;
    const bit = 8 * entropy.below(last + 1) + entropy.below(8);
    return { path, before: Buffer.from(bytes.subarray(0, last + 1)), bit };
  }

  #wipe(at: SimBroker): void {
    const { totals, supervisor } = this.#stage;
    if (!this.#mayLose(at)) return;
    totals.wiped++;
    totals.powerLosses++;
    supervisor.wipes(at);
  }

  #mayLose(at: SimBroker): boolean {
    const { lost, damaged } = this.#stage.supervisor;
    return lost.size + damaged.size < this.#lostMax && !lost.has(at) && !damaged.has(at);
  }
}
