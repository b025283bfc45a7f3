// Runs one pure job. The same function serves the host's pool and the simulator, which runs it inline.
import { unreachable } from "../base/assert.ts";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { decompress } from "../bytes/decompress.ts";
import type { DecompressFault } from "../bytes/decompress.ts";
import { writeI32 } from "../bytes/integers.ts";
import { keylessRecords } from "../model/decode-batch.ts";
import type { ComputeFault, ComputeJob } from "../ports/tasks.ts";

export function runComputeJob(job: ComputeJob): Result<Uint8Array, ComputeFault> {
  const opened = job.codec === 0 ? ok(job.bytes) : decompress(job.codec, job.bytes, job.bytesMax);
  if (!opened.ok) return failed(faultOf(opened.fault));
  if (job.job === "decompress") return ok(opened.value);
  const bytes = opened.value;
  const payload = { bytes, start: 0, end: bytes.length };
  const places = keylessRecords(payload, job.recordCount, job.countMax);
  return places === null ? failed({ kind: "corrupt" }) : ok(inBytes(places));
}

function inBytes(places: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(places.length * 4);
  for (let at = 0; at < places.length; at++) writeI32(bytes, at * 4, places[at] as number);
  return bytes;
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
