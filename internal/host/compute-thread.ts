// A thread of the compute pool: takes jobs as messages, one at a time, and answers in their order.
import { parentPort } from "node:worker_threads";
import { runComputeJob } from "./compute-job.ts";
import type { ComputeJob } from "../ports/tasks.ts";

parentPort?.on("message", (job: ComputeJob) => {
  const result = runComputeJob(job);
  const buffer = result.ok ? result.value.buffer : null;
  const whole = result.ok && result.value.byteLength === result.value.buffer.byteLength;
  parentPort?.postMessage(result, whole && buffer instanceof ArrayBuffer ? [buffer] : []);
});
