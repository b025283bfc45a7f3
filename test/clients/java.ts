// Java for the rows that need it: one class path from Maven, the project's own classes compiled against it, and both kept
// between runs under a name that says what they were made from.
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { NotReached } from "./client.ts";
import type { Surroundings } from "./client.ts";
import { need } from "./programs.ts";

const FOLDER = join(import.meta.dirname, "drivers", "java");
const RESOLVE_MS_MAX = 600_000;
/** Small and quick to start: these programs share a machine with three brokers. */
const MACHINE = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"];
const QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error";

export interface Java {
  /** Words in front of the name of a class. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Of Kafka's jars. */
  readonly version: string;
}

/** @throws NotReached without Java, Maven, or what Maven fetches. */
export async function reachJava(around: Pick<Surroundings, "cache">): Promise<Java> {
  await need("javac", ["-version"]);
  const sources = globSync("*.java", { cwd: FOLDER }).sort();
  const made = createHash("sha256");
  for (const file of ["pom.xml", ...sources]) made.update(readFileSync(join(FOLDER, file)));
  const folder = join(around.cache, `java-${made.digest("hex").slice(0, 12)}`);
  const jarsFile = join(folder, "jars");
  if (!isComplete(jarsFile)) await make(folder, jarsFile, sources);
  const jars = readFileSync(jarsFile, "utf8").trim();
  const [, version] = /kafka-clients-([\d.]+)\.jar/.exec(jars) ?? [];
  if (version === undefined) throw new NotReached("Maven resolved no kafka-clients");
  const classPath = [join(folder, "classes"), jars].join(delimiter);
  return { command: ["java", QUIET, ...MACHINE, "-cp", classPath], version };
}

/** Maven's own folder may have been emptied since. */
function isComplete(jarsFile: string): boolean {
  if (!existsSync(jarsFile)) return false;
  return readFileSync(jarsFile, "utf8").trim().split(delimiter).every(existsSync);
}

async function make(folder: string, jarsFile: string, sources: readonly string[]): Promise<void> {
  const classes = join(folder, "classes");
  mkdirSync(classes, { recursive: true });
  const resolved = `${jarsFile}.new`;
  const pom = ["-f", join(FOLDER, "pom.xml")];
  const goal = ["-q", "-B", ...pom, "dependency:build-classpath", `-Dmdep.outputFile=${resolved}`];
  await need("mvn", goal, { withinMs: RESOLVE_MS_MAX });
  const classPath = readFileSync(resolved, "utf8").trim();
  const files = sources.map((file) => join(FOLDER, file));
  await need("javac", ["-d", classes, "-cp", classPath, ...files], { withinMs: 120_000 });
  // What has its own name is complete.
  writeFileSync(resolved, classPath);
  renameSync(resolved, jarsFile);
}
