// What the compiler leaves undone: copies the files that the program reads at run time beside the compiled code,
// and links node_modules/.bin/flotilla, which npm makes for dependencies but not for the package itself.
import { cpSync, existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const sourceOnly = /(\.ts|\.md|\.test\.ts)$/;

for (const folder of ["cmd", "internal", "pkg", "proto"]) {
  const from = join(root, folder);
  if (!existsSync(from)) continue;
  cpSync(from, join(root, "dist", folder), {
    recursive: true,
    filter: (path) => lstatSync(path).isDirectory() || !sourceOnly.test(path),
  });
}

const link = join(root, "node_modules", ".bin", "flotilla");
mkdirSync(dirname(link), { recursive: true });
rmSync(link, { force: true });
symlinkSync(join("..", "..", "tools", "launch.sh"), link);
