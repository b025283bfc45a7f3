// Pure jobs, run inline.
import type { ComputeFault, ComputeJob } from "../../../internal/ports/tasks.ts";
import type { Result } from "../../../internal/base/result.ts";
import { failed } from "../../../internal/base/result.ts";

export function simCompute(_job: ComputeJob): Result<Uint8Array, ComputeFault> {
  return failed({ kind: "unsupported" });
}
