import { expect, test } from "vitest";
import { printable, printableBytes } from "./printable.ts";
import { ProcessTerminal } from "./terminal.ts";
import type { OutputStream } from "./terminal.ts";

const CLEARS = "\u001b[2J\u001b]0;title\u0007";

/** A stream of which somebody sees what it carries, or a program takes it. */
class RecordingStream implements OutputStream {
  readonly isTTY: boolean;
  readonly chunks: Buffer[] = [];

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  write(bytes: string | Uint8Array, taken?: (error?: Error | null) => void): boolean {
    this.chunks.push(Buffer.from(bytes));
    taken?.(null);
    return true;
  }

  on(): this {
    return this;
  }
}

async function shownBy(output: OutputStream, errors: OutputStream): Promise<void> {
  const terminal = new ProcessTerminal(output, errors);
  await terminal.write(Buffer.from(`${CLEARS}\tvalue\n`));
  await terminal.write(Buffer.from([0x9b, 0x32, 0x4a, 0x0a]));
  terminal.print(`group ${CLEARS}`);
  terminal.complain(`the broker says ${CLEARS}`);
}

test("what strangers wrote commands no screen", async () => {
  const [output, errors] = [new RecordingStream(true), new RecordingStream(true)];
  await shownBy(output, errors);
  expect(output.text).toBe(
    "\\u001b[2J\\u001b]0;title\\u0007\tvalue\n\\x9b2J\ngroup \\u001b[2J\\u001b]0;title\\u0007\n",
  );
  // The line of the progress bar is wiped first.
  expect(errors.text).toBe("\r\u001b[2Kthe broker says \\u001b[2J\\u001b]0;title\\u0007\n");
});

test("a program is given what there is, byte by byte", async () => {
  const [output, errors] = [new RecordingStream(false), new RecordingStream(false)];
  await shownBy(output, errors);
  expect(output.chunks[0]).toEqual(Buffer.from(`${CLEARS}\tvalue\n`));
  expect(output.chunks[1]).toEqual(Buffer.from([0x9b, 0x32, 0x4a, 0x0a]));
  expect(errors.text).toBe(`the broker says ${CLEARS}\n`);
});

test("control characters and marks of direction are shown, text is left alone", () => {
  expect(printable("a\u009b31m\u007f\r\0\u202eb")).toBe("a\\u009b31m\\u007f\\u000d\\u0000\\u202eb");
  expect(printable("Grüße, 世界 🚀\n\tok")).toBe("Grüße, 世界 🚀\n\tok");
});

test("bytes that are no text are shown one by one, and characters beside them whole", () => {
  const bytes = Buffer.concat([
    Buffer.from("ä🚀"),
    Buffer.from([0xf0, 0x9f, 0xff]),
    Buffer.from("é\n"),
  ]);
  expect(printableBytes(bytes)).toBe("ä🚀\\xf0\\x9f\\xffé\n");
  expect(printableBytes(Buffer.from([0xc0, 0x80, 0xed, 0xa0, 0x80]))).toBe(
    "\\xc0\\x80\\xed\\xa0\\x80",
  );
});

test("JSON on a screen is JSON still", () => {
  const json = JSON.stringify({ value: "\u001b\u009b\u007f" });
  expect(JSON.parse(printable(json))).toEqual({ value: "\u001b\u009b\u007f" });
});
