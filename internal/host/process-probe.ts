// What the process as a whole costs and suffers: event-loop delay, garbage collection, memory, CPU.
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import type { HostMeter } from "./meter.ts";

/** Every sample wakes the process, so that a finer resolution would show in the CPU of an idle broker. */
const LOOP_SAMPLE_MS = 50;
const NS_PER_S = 1e9;

const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak"],
]);

/** What the observer's entries hold for collections; the types of Node do not say so. */
interface GcEntry {
  readonly detail: { readonly kind: number };
}

export class ProcessProbe {
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  readonly #collections: PerformanceObserver;

  constructor(meter: HostMeter) {
    for (const percentile of [50, 99, 100]) {
      meter.observedGauge(
        "flotilla_process_event_loop_delay_seconds",
        "How late the event loop was since the process started, by percentile.",
        () => this.#loopDelaySeconds(percentile),
        { percentile: String(percentile) },
      );
    }
    const pauses = new Map(
      [...GC_KINDS].map(([kind, name]) => [
        kind,
        meter.histogram(
          "flotilla_process_gc_pause_seconds",
          "Time in garbage collections, by kind.",
          { kind: name },
        ),
      ]),
    );
    this.#collections = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { kind } = (entry as unknown as GcEntry).detail;
        pauses.get(kind)?.observe(entry.duration / 1000);
      }
    });
    bindMemoryAndCpu(meter);
    this.#loop.enable();
    this.#collections.observe({ entryTypes: ["gc"] });
  }

  stop(): void {
    this.#loop.disable();
    this.#collections.disconnect();
  }

  #loopDelaySeconds(percentile: number): number {
    if (this.#loop.count === 0) return 0;
    // Samples contain the sampling interval itself.
    return Math.max(0, this.#loop.percentile(percentile) / NS_PER_S - LOOP_SAMPLE_MS / 1000);
  }
}

function bindMemoryAndCpu(meter: HostMeter): void {
  meter.observedGauge(
    "flotilla_process_resident_memory_bytes",
    "Memory of the process that is in RAM.",
    () => process.memoryUsage.rss(),
  );
  meter.observedGauge(
    "flotilla_process_heap_used_bytes",
    "Memory of JavaScript objects.",
    () => process.memoryUsage().heapUsed,
  );
  meter.observedGauge(
    "flotilla_process_external_memory_bytes",
    "Memory of buffers outside of the JavaScript heap.",
    () => process.memoryUsage().external,
  );
  meter.observedCounter("flotilla_process_cpu_seconds_total", "CPU time of the process.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}
