// Runs one pure job. The same function serves the host's pool and the simulator, which runs it inline.
import { unreachable } from "../base/assert.ts";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { decompress } from "../bytes/decompress.ts";
import type { ComputeFault, ComputeJob } from "../ports/tasks.ts";

export function runComputeJob(job: ComputeJob): Result<Uint8Array, ComputeFault> {
  const outcome = decompress(job.codec, job.bytes, job.bytesMax);
  if (outcome.ok) return ok(outcome.value);
  switch (outcome.fault.kind) {
    case "too-large":
      return failed({ kind: "too-large" });
    case "corrupt-compression":
      return failed({ kind: "corrupt" });
    case "unsupported-compression":
      return failed({ kind: "unsupported" });
    default:
      return unreachable(outcome.fault);
  }
}
