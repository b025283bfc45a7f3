// Runs test files with one bug planted in the sources, named by PLANTED_BUG.
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { plant, PLANTED } from "./test/mutants/source-bug.ts";
import { SOURCE_BUGS } from "./test/mutants/source-bugs.ts";

const name = process.env[PLANTED] ?? "";
const bug = SOURCE_BUGS[name];
if (bug === undefined) throw new Error(`${PLANTED} names no bug: ${name}`);
const path = resolve(bug.file);

export default defineConfig({
  plugins: [
    {
      name: "plant",
      enforce: "pre",
      transform: (source, id) => (id === path ? plant(source, bug) : null),
    },
  ],
  test: {
    pool: "threads",
    isolate: true,
    fsModuleCache: false,
    maxWorkers: 1,
    setupFiles: ["test/spoil-lent.ts"],
    testTimeout: 60_000,
    include: [
      "internal/**/*.test.ts",
      "pkg/**/*.test.ts",
      "test/**/*.test.ts",
      "test/mutants/runs/*.ts",
    ],
  },
});
