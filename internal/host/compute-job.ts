// Runs one pure job. The same function serves the host's pool and the simulator, which runs it inline.
import { unreachable } from "../base/assert.ts";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { decompress } from "../bytes/decompress.ts";
import type { DecompressFault } from "../bytes/decompress.ts";
import { RecordInspector } from "../model/inspect-records.ts";
import type { ComputeAnswer, ComputeFault, ComputeJob, InspectJob } from "../ports/tasks.ts";
import type { InspectedRecords } from "../ports/tasks.ts";

export type ComputeOutcome = Result<ComputeAnswer<ComputeJob>, ComputeFault>;

const inspector = new RecordInspector();

export function runComputeJob(job: ComputeJob): ComputeOutcome {
  const opened = job.codec === 0 ? ok(job.bytes) : decompress(job.codec, job.bytes, job.bytesMax);
  if (!opened.ok) return failed(faultOf(opened.fault));
  if (job.job === "decompress") return opened;
  return ok(inspect(job, opened.value));
}

function inspect({ claim, rules }: InspectJob, bytes: Uint8Array): InspectedRecords {
  const found = inspector.inspect({ bytes, start: 0, end: bytes.length }, claim, rules);
  const fault = typeof found === "string" ? null : found;
  return { fault, maxTimestampMs: inspector.maxTimestampMs };
}

function faultOf(fault: DecompressFault): ComputeFault {
  switch (fault.kind) {
    case "too-large":
      return { kind: "too-large" };
    case "corrupt-compression":
      return { kind: "corrupt" };
    case "unsupported-compression":
      return { kind: "unsupported" };
    default:
      return unreachable(fault);
  }
}
