// The journal's metrics.
import type { Counter, Histogram, Meter } from "../ports/meter.ts";

export interface JournalProbe {
  readonly batches: Counter;
  readonly records: Counter;
  readonly bytes: Counter;
  readonly full: Counter;
  readonly checkpoints: Counter;
  readonly writeSeconds: Histogram;
}

export interface JournalLevels {
  usedBytes(): number;
  isFull(): boolean;
}

export function journalProbe(meter: Meter, levels: JournalLevels): JournalProbe {
  const name = (rest: string): string => `flotilla_journal_${rest}`;
  meter.observedGauge(name("used_bytes"), "Bytes of all journal files in use.", () =>
    levels.usedBytes(),
  );
  meter.observedGauge(name("near_full"), "1 while records of clients are refused for room.", () =>
    levels.isFull() ? 1 : 0,
  );
  return {
    batches: meter.counter(name("batches_total"), "Durable journal writes."),
    records: meter.counter(name("records_total"), "Records in durable journal writes."),
    bytes: meter.counter(name("written_bytes_total"), "Bytes of durable journal writes."),
    full: meter.counter(name("full_total"), "Appends that found no room in memory."),
    checkpoints: meter.counter(name("checkpoints_total"), "Group tables written."),
    writeSeconds: meter.histogram(name("write_seconds"), "Time of one durable journal write."),
  };
}
