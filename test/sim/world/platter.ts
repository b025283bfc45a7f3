// The directory tree of one simulated machine. Names are separate from files: creating, renaming and
// removing are changes of their own, and only a synced change certainly survives power loss.
import type { SimFile } from "./sim-file.ts";
import type { SeededEntropy } from "./seeded-entropy.ts";

export type DiskNode = SimFile | "directory";

type NameChange =
  | { readonly kind: "link"; readonly path: string; readonly node: DiskNode }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "remove"; readonly path: string };

/** A whole disk, frozen: what a backup holds. */
export interface PlatterImage {
  readonly names: ReadonlyMap<string, DiskNode>;
  readonly durableNames: ReadonlyMap<string, DiskNode>;
  readonly pending: readonly NameChange[];
}

export class Platter {
  #names = new Map<string, DiskNode>([["/", "directory"]]);
  #durableNames = new Map<string, DiskNode>([["/", "directory"]]);
  #pending: NameChange[] = [];

  at(path: string): DiskNode | undefined {
    return this.#names.get(path);
  }

  file(path: string): SimFile | undefined {
    const node = this.#names.get(path);
    return node === "directory" ? undefined : node;
  }

  /** The file that a power loss now would certainly leave at `path`, if any. */
  durableFile(path: string): SimFile | undefined {
    if (this.#pending.some((change) => pathsOf(change).includes(path))) return undefined;
    const node = this.#durableNames.get(path);
    return node === "directory" ? undefined : node;
  }

  /** Paths of all files as processes see them, sorted. */
  paths(): string[] {
    const paths = [...this.#names.keys()].filter((path) => this.file(path) !== undefined);
    return paths.sort();
  }

  /** Names directly inside a directory, sorted. */
  list(directory: string): string[] {
    const prefix = directory === "/" ? "/" : `${directory}/`;
    const names: string[] = [];
    for (const path of this.#names.keys()) {
      if (!path.startsWith(prefix) || path.length === prefix.length) continue;
      if (!path.includes("/", prefix.length)) names.push(path.slice(prefix.length));
    }
    return names.sort();
  }

  usedBytes(): number {
    let sum = 0;
    for (const node of this.#names.values()) if (node !== "directory") sum += node.length;
    return sum;
  }

  link(path: string, node: DiskNode): void {
    this.#change({ kind: "link", path, node });
  }

  rename(from: string, to: string): void {
    this.#change({ kind: "rename", from, to });
  }

  remove(path: string): void {
    this.#change({ kind: "remove", path });
  }

  /** Makes the name `path` durable as it is now, with the older changes that it depends on. */
  syncName(path: string): void {
    const needed = new Set([path]);
    const kept: NameChange[] = [];
    const left: NameChange[] = [];
    for (const change of this.#pending.toReversed()) {
      const paths = pathsOf(change);
      if (paths.some((each) => needed.has(each))) {
        for (const each of paths) needed.add(each);
        kept.push(change);
      } else left.push(change);
    }
    for (const change of kept.reverse()) apply(change, this.#durableNames);
    this.#pending = left.reverse();
  }

  /** Leaves what the platter holds: of the unsynced changes none, the first few, or any by lot. */
  losePower(entropy: SeededEntropy): void {
    const pending = this.#pending;
    this.#pending = [];
    const mode = entropy.below(3);
    const prefix = entropy.below(pending.length + 1);
    for (const [index, change] of pending.entries()) {
      const survives = mode === 0 ? false : mode === 1 ? index < prefix : entropy.chance(500);
      if (survives) apply(change, this.#durableNames);
    }
    this.#names = new Map(this.#durableNames);
    const files = new Set(this.#names.values());
    for (const file of files) if (file !== "directory") file.losePower(entropy);
  }

  wipe(): void {
    this.#names = new Map([["/", "directory"]]);
    this.#durableNames = new Map([["/", "directory"]]);
    this.#pending = [];
  }

  image(): PlatterImage {
    const copies = new Map<DiskNode, DiskNode>();
    const copyOf = (node: DiskNode): DiskNode => {
      if (node === "directory") return node;
      const copy = copies.get(node) ?? node.copy();
      copies.set(node, copy);
      return copy;
    };
    const copyAll = (names: ReadonlyMap<string, DiskNode>): Map<string, DiskNode> =>
      new Map([...names].map(([path, node]) => [path, copyOf(node)]));
    return {
      names: copyAll(this.#names),
      durableNames: copyAll(this.#durableNames),
      pending: this.#pending.map((change) =>
        change.kind === "link" ? { ...change, node: copyOf(change.node) } : change,
      ),
    };
  }

  /** Puts an image back. The image stays usable: its files are copied. */
  restore(image: PlatterImage): void {
    this.#names = new Map(image.names);
    this.#durableNames = new Map(image.durableNames);
    this.#pending = image.pending.slice();
    const own = this.image();
    this.#names = new Map(own.names);
    this.#durableNames = new Map(own.durableNames);
    this.#pending = own.pending.slice();
  }

  #change(change: NameChange): void {
    apply(change, this.#names);
    this.#pending.push(change);
  }
}

function pathsOf(change: NameChange): string[] {
  return change.kind === "rename" ? [change.from, change.to] : [change.path];
}

function apply(change: NameChange, names: Map<string, DiskNode>): void {
  switch (change.kind) {
    case "link":
      names.set(change.path, change.node);
      return;
    case "rename": {
      const node = names.get(change.from);
      if (node === undefined) return; // its creation was lost: there is nothing to rename
      names.delete(change.from);
      names.set(change.to, node);
      return;
    }
    case "remove":
      names.delete(change.path);
      return;
  }
}

/** The directory that holds `path`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}
