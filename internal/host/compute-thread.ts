// A thread of the compute pool: takes jobs as messages, one at a time, and answers in their order.
import { parentPort } from "node:worker_threads";
import { runComputeJob } from "./compute-job.ts";
import type { ComputeAnswer, ComputeJob } from "../ports/tasks.ts";

parentPort?.on("message", (job: ComputeJob) => {
  const outcome = runComputeJob(job);
  parentPort?.postMessage(outcome, outcome.ok ? transferable(outcome.value) : []);
});

/** The buffer of bytes that have one to themselves. */
function transferable(answer: ComputeAnswer<ComputeJob>): ArrayBuffer[] {
  if (!(answer instanceof Uint8Array)) return [];
  const { buffer } = answer;
  return buffer instanceof ArrayBuffer && buffer.byteLength === answer.byteLength ? [buffer] : [];
}
