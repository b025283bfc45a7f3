// The disk of one simulated machine: a device with a Disk port for each life of a process, and the
// directory locks that the kernel drops when a process dies.
import type { Disk } from "../../../internal/ports/disk.ts";
import type { Life } from "./life.ts";
import { DELIVERY } from "./scheduler.ts";
import { SimBulkLane } from "./sim-bulk-lane.ts";
import { diskFault, SimDevice } from "./sim-device.ts";
import { SimJournalLane } from "./sim-journal-lane.ts";

export class SimDisk extends SimDevice {
  readonly #locks = new Map<string, Life>();

  /** The port of one process. Dead with it. */
  portFor(life: Life): Disk {
    return {
      journal: new SimJournalLane(this, life),
      bulk: new SimBulkLane(this, life),
      lock: (directory) => this.#lock(life, directory),
    };
  }

  async #lock(life: Life, directory: string): ReturnType<Disk["lock"]> {
    await this.#pause(life, "disk lock");
    if (this.platter.at(directory) !== "directory") {
      return { ok: false, fault: diskFault("ENOENT", "lock", directory) };
    }
    if (this.#locks.has(directory)) return { ok: false, fault: { kind: "held" } };
    this.#locks.set(directory, life);
    const release = (): void => {
      if (this.#locks.get(directory) === life) this.#locks.delete(directory);
    };
    life.onEnd(release);
    return {
      ok: true,
      value: {
        release: async () => {
          await this.#pause(life, "disk unlock");
          release();
        },
      },
    };
  }

  #pause(life: Life, label: string): Promise<void> {
    const delayUs = this.entropy.between(1, 2_000);
    return new Promise((resolve) => {
      this.scheduler.at(delayUs, life, DELIVERY, label, resolve);
    });
  }
}
