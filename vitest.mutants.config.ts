// The planted bugs run apart from the other tests: each may take minutes, and each needs a process of its own,
// because a planted bug may leave the modules that it changed in a bad state.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    pool: "forks",
    isolate: true,
    maxWorkers: 2,
    maxConcurrency: 2,
    testTimeout: 600_000,
    include: ["test/mutants/*.test.ts"],
  },
});
