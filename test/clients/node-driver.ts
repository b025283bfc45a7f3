// How a driver in TypeScript is started: with this very Node.
import { join } from "node:path";

export function nodeDriver(name: string): [program: string, ...args: string[]] {
  return [process.execPath, join(import.meta.dirname, "drivers", "node", `${name}.ts`)];
}
