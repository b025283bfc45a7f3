// Everything a broker needs from outside itself. One of these per broker: real in the host, simulated in the simulator.
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { Entropy } from "./entropy.ts";
import type { Log } from "./log.ts";
import type { Meter } from "./meter.ts";
import type { Tasks } from "./tasks.ts";
import type { Wire } from "./wire.ts";

export interface World {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly disk: Disk;
  readonly wire: Wire;
  readonly tasks: Tasks;
  readonly log: Log;
  readonly meter: Meter;
  /**
   * Names the run of this machine since it was last switched on or restarted: while it is the same, the page cache still has
   * what processes wrote, however they ended. Null where the system does not say.
   */
  readonly machineRun: string | null;
  /**
   * Ends this broker because its state can no longer be trusted (J8, an escaped rejection). In the host the process
   * exits; in the simulator the broker crashes. Does not return in the host.
   */
  fatal(reason: string, fault: unknown): void;
}
