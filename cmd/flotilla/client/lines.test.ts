import { expect, it } from "vitest";
import { indexOfBytes, linesOf } from "./lines.ts";

async function lines(chunks: readonly string[]): Promise<readonly string[]> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const found: string[] = [];
  for await (const line of linesOf(stream())) found.push(Buffer.from(line).toString());
  return found;
}

it.each<[string, string[], string[]]>([
  ["lines of one chunk", ["a\nb\n"], ["a", "b"]],
  ["a line over three chunks", ["a", "b", "c\nd\n"], ["abc", "d"]],
  ["a chunk that ends with its line", ["ab\n", "c\n"], ["ab", "c"]],
  ["a last line without a line feed", ["a\nb"], ["a", "b"]],
  ["empty lines", ["\n\na\n"], ["", "", "a"]],
  ["nothing", [], []],
])("%s", async (_, chunks, expected) => {
  expect(await lines(chunks)).toEqual(expected);
});

it("a separator is found in a line that is a part of its chunk", () => {
  const chunk = Buffer.from("x:y\nkey=>value");
  expect(indexOfBytes(chunk.subarray(4), Buffer.from("=>"))).toBe(3);
  expect(indexOfBytes(chunk.subarray(4), Buffer.from(":"))).toBe(-1);
});
