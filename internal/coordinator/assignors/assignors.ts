// The server-side assignors by the names that members ask for, the one for members who ask for none first.
import type { Assignor } from "../assignment.ts";
import { range } from "./range.ts";
import { uniform } from "./uniform.ts";

export const ASSIGNORS: ReadonlyMap<string, Assignor> = new Map([
  ["uniform", uniform],
  ["range", range],
]);
