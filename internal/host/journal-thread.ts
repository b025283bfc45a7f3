// The journal's own thread (J9): waits for a command, makes one positioned write on an O_DSYNC descriptor,
// answers. It never touches libuv's pool, so nothing else that the broker does can delay a write.
import { writevSync } from "node:fs";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { STOP_DESCRIPTOR, WORD } from "./journal-channel.ts";
import type { JournalAnswer, JournalThreadData } from "./journal-channel.ts";

const words = new Int32Array((workerData as JournalThreadData).channel);
const memories: SharedArrayBuffer[] = [];

let answered = 0;
for (;;) {
  Atomics.wait(words, WORD.sequence, answered);
  const sequence = Atomics.load(words, WORD.sequence);
  if (sequence === answered) continue;
  answered = sequence;
  if (word(WORD.descriptor) === STOP_DESCRIPTOR) break;
  const answer = writeOnce();
  Atomics.store(words, WORD.done, sequence);
  Atomics.notify(words, WORD.done);
  parentPort?.postMessage(answer);
}

function writeOnce(): JournalAnswer {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (let index = 0; index < word(WORD.partCount); index++) {
    const at = WORD.parts + index * 3;
    const length = word(at + 2);
    parts.push(new Uint8Array(memory(word(at)), word(at + 1), length));
    bytes += length;
  }
  const position = (word(WORD.positionHigh) >>> 0) * 2 ** 32 + (word(WORD.positionLow) >>> 0);
  try {
    const written = writevSync(word(WORD.descriptor), parts, position);
    return written === bytes ? null : "SHORT"; // never continued: what a retry would prove is unknown (J8)
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN";
  }
}

function word(at: number): number {
  return words[at] as number;
}

/** Memory arrives as messages, which are read when a command first names it. */
function memory(index: number): SharedArrayBuffer {
  while (memories.length <= index && parentPort !== null) {
    const received = receiveMessageOnPort(parentPort);
    if (received === undefined) break;
    memories.push(received.message as SharedArrayBuffer);
  }
  return memories[index] as SharedArrayBuffer;
}
