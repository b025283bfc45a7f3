// Running other people's programs to their end.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { NotReached } from "./client.ts";

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly withinMs?: number;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Standard output of a program that ends well. @throws Error with the end of its complaints otherwise. */
export function run(program: string, args: readonly string[], options: RunOptions = {}) {
  return new Promise<string>((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    running.add(child);
    const output: Buffer[] = [];
    let complaint = "";
    const timer = setTimeout(() => {
      complaint += `\nstopped after ${options.withinMs ?? 60_000} ms`;
      child.kill("SIGKILL");
    }, options.withinMs ?? 60_000);
    child.stdout.on("data", (bytes: Buffer) => output.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => {
      complaint = (complaint + bytes.toString()).slice(-3_000);
    });
    child.stdin.on("error", () => {});
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      running.delete(child);
      const text = Buffer.concat(output).toString();
      if (code === 0) resolve(text);
      else reject(new Error(`${program} ended with ${code}: ${(complaint || text).trim()}`));
    });
    child.stdin.end(options.input ?? "");
  });
}

/** The same, for what must be there before a client can be tried. */
export async function need(program: string, args: readonly string[], options: RunOptions = {}) {
  try {
    return await run(program, args, options);
  } catch (error) {
    throw new NotReached((error as Error).message);
  }
}
