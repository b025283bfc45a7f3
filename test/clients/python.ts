// Clients in Python: a virtual environment for what pip has, kept between runs, and Debian's own packages, unpacked where installing
// is not possible.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NotReached } from "./client.ts";
import type { DriverProgram, Surroundings } from "./client.ts";
import { need, run } from "./programs.ts";

const DRIVERS = join(import.meta.dirname, "drivers", "python");
const INSTALL_MS_MAX = 300_000;
/** Debian's Python, for which its packages are made. */
const PYTHON = "/usr/bin/python3";

const environments = new Map<string, Promise<string>>();

/** Python with these packages from pip. What is installed once is used again, also by rows that are tried at the same time. */
export function pythonWith(around: Surroundings, name: string, packages: readonly string[]) {
  const made = environments.get(name) ?? makeEnvironment(around, name, packages);
  environments.set(name, made);
  return made;
}

async function makeEnvironment(around: Surroundings, name: string, packages: readonly string[]) {
  const folder = join(around.cache, `python-${name}`);
  const python = join(folder, "bin", "python");
  const installed = join(folder, `installed-${packages.join("-").replaceAll(/[^\w.-]/g, "_")}`);
  if (existsSync(installed)) return python;
  await need(PYTHON, ["-m", "venv", folder], { withinMs: INSTALL_MS_MAX });
  const words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", ...packages];
  await need(python, words, { withinMs: INSTALL_MS_MAX });
  writeFileSync(installed, "");
  return python;
}

export function pythonDriver(python: string, file: string, path?: string): DriverProgram {
  const environment = {
    PYTHONUNBUFFERED: "1",
    PYTHONDONTWRITEBYTECODE: "1",
    ...(path === undefined ? {} : { PYTHONPATH: path }),
  };
  return { command: [python, join(DRIVERS, file)], environment };
}

/**
 * Debian's Python with one of its packages: installed, or taken apart in the cache when this user may not install; the path
 * to give to Python then. What the package needs must be there, as it is where kcat is.
 */
export async function debianPython(around: Surroundings, module: string, name: string) {
  const hasIt = (path?: string): Promise<boolean> =>
    run(PYTHON, ["-c", `import ${module}`], {
      environment: path === undefined ? {} : { PYTHONPATH: path },
    }).then(
      () => true,
      () => false,
    );
  if (await hasIt()) return { python: PYTHON, path: undefined };
  const folder = join(around.cache, `debian-${name}`);
  const path = join(folder, "usr", "lib", "python3", "dist-packages");
  if (!(await hasIt(path))) {
    mkdirSync(folder, { recursive: true });
    await download(folder, name);
  }
  if (await hasIt(path)) return { python: PYTHON, path };
  throw new NotReached(`Python cannot import ${module} from Debian's ${name}`);
}

async function download(folder: string, name: string): Promise<void> {
  const fetch = ["download", "-qq", name];
  const options = { cwd: folder, withinMs: INSTALL_MS_MAX };
  try {
    await run("apt-get", fetch, options);
  } catch {
    await need("apt-get", ["update", "-qq"], options);
    await need("apt-get", fetch, options);
  }
  await need("sh", ["-c", "dpkg-deb -x ./*.deb . && rm ./*.deb"], options);
}
