import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    pool: "threads",
    isolate: false,
    maxWorkers: 2,
    setupFiles: ["test/spoil-lent.ts"],
    testTimeout: 90_000,
    hookTimeout: 90_000,
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
