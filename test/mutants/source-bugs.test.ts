// Bugs that are planted in the sources: each of the layers that must see one turns red by itself.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, it } from "vitest";
import { PLANTED } from "./source-bug.ts";
import { SOURCE_BUGS } from "./source-bugs.ts";

interface TestResult {
  readonly status: string;
  readonly failureMessages: readonly string[] | null;
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly TestResult[];
  }[];
}

/** A test that ran out of time has seen nothing: a slow machine does that too. */
function isRed({ status, failureMessages }: TestResult): boolean {
  const texts = failureMessages ?? [];
  return status === "failed" && !texts.every((text) => text.includes("timed out in"));
}

/** The files of which at least one test failed. A file that cannot be loaded has no tests, and does not count. */
async function redFiles(bug: string, files: readonly string[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "planted-"));
  try {
    const report = join(directory, "report.json");
    const options = ["--config", "vitest.planted.config.ts", "--reporter=json"];
    const child = spawn("vitest", ["run", ...options, `--outputFile=${report}`, ...files], {
      env: { ...process.env, [PLANTED]: bug },
      stdio: "ignore",
    });
    await new Promise((resolve) => child.once("exit", resolve));
    const { testResults } = JSON.parse(await readFile(report, "utf8")) as Report;
    return testResults
      .filter(({ assertionResults }) => assertionResults.some(isRed))
      .map(({ name }) => relative(process.cwd(), name));
  } finally {
    await rm(directory, { recursive: true });
  }
}

it.concurrent.each(Object.keys(SOURCE_BUGS))("%s", async (bug) => {
  const seenBy = SOURCE_BUGS[bug]?.seenBy ?? [];
  expect((await redFiles(bug, seenBy)).toSorted()).toEqual(seenBy.toSorted());
});
