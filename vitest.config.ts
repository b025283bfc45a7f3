import { defineConfig } from "vitest/config";
import { HANG_MS } from "./test/until.ts";

export default defineConfig({
  test: {
    pool: "threads",
    isolate: false,
    maxWorkers: 2,
    setupFiles: ["test/spoil-lent.ts"],
    testTimeout: HANG_MS,
    hookTimeout: HANG_MS,
    expect: { poll: { timeout: HANG_MS } },
    include: [
      "internal/**/*.test.ts",
      "cmd/**/*.test.ts",
      "pkg/**/*.test.ts",
      "test/**/*.test.ts",
      "jepsen-like/**/*.test.ts",
    ],
    exclude: ["node_modules/**", "dist/**", "test/mutants/**", "test/tidy/fixtures/**"],
  },
});
