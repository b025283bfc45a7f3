// Links node_modules/.bin/node to the pinned Node of this machine. npm 9 and 10 make that link and then delete it again
// while they clean up the pinned Node of the other architecture, which claims the same name. Plain JavaScript, because
// the system's Node runs it, and that may be old.
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const pinned = `node-${process.platform}-${process.arch}`;
const modules = join(import.meta.dirname ?? "tools", "..", "node_modules");
if (existsSync(join(modules, pinned, "bin", "node"))) {
  const link = join(modules, ".bin", "node");
  mkdirSync(join(modules, ".bin"), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join("..", pinned, "bin", "node"), link);
}
