// The order of the folders of internal/, as data, and the check that imports follow it.
// To change the order, change the design and its ADR first: a layer that knows a higher one cannot be understood,
// tested or simulated without it.
import { isTest } from "./source-tree.ts";
import type { SourceFile } from "./source-tree.ts";

/** Bottom to top. */
export const ORDER = [
  "base",
  "bytes",
  "model",
  "ports",
  "config",
  "schema",
  "record",
  "security",
  "raft",
  "journal",
  "segment",
  "transport",
  "replica",
  "partition",
  "statelog",
  "cluster",
  "coordinator",
  "service",
  "kafka",
  "grpc",
  "http",
  "host",
  "server",
] as const;

type Layer = (typeof ORDER)[number];

/** `layer` and everything below it. */
function upTo(layer: Layer): readonly Layer[] {
  return ORDER.slice(0, ORDER.indexOf(layer) + 1);
}

const FRONT_END: readonly Layer[] = [...upTo("security"), "service"];

/** What each folder may import besides itself. */
export const MAY_IMPORT: Readonly<Record<Layer, readonly Layer[]>> = {
  base: [],
  bytes: ["base"],
  model: ["base", "bytes"],
  ports: ["base", "model"],
  config: upTo("ports"),
  schema: upTo("ports"),
  record: upTo("ports"),
  security: upTo("ports"),
  raft: ["base", "model"],
  journal: upTo("record"),
  segment: upTo("record"),
  transport: upTo("security"),
  replica: upTo("transport"),
  partition: upTo("replica"),
  statelog: upTo("partition"),
  cluster: upTo("statelog"),
  coordinator: upTo("cluster"),
  service: upTo("coordinator"),
  kafka: FRONT_END,
  grpc: FRONT_END,
  http: FRONT_END,
  host: upTo("ports"),
  server: ORDER,
};

/** Imports that break the order. Unit tests may reach for simulated ports above them, so they are not checked. */
export function layerViolations(files: readonly SourceFile[]): string[] {
  const violations: string[] = [];
  for (const file of files) {
    if (isTest(file.path)) continue;
    for (const { target, line } of file.imports) {
      const complaint = target === null ? null : complain(file.path, target);
      if (complaint !== null) violations.push(`${file.path}:${line} ${complaint}`);
    }
  }
  return violations;
}

function complain(from: string, target: string): string | null {
  const [fromTop = "", fromLayer = ""] = from.split("/");
  const [targetTop = "", targetLayer = ""] = target.split("/");
  if (fromTop === "jepsen-like" && targetTop !== "jepsen-like") {
    return `jepsen-like talks to brokers through public protocols only, not through ${target}`;
  }
  if (fromTop !== "internal") return null;
  if (targetTop !== "internal") return `internal must not import ${targetTop}`;
  if (!isLayer(fromLayer)) return `internal/${fromLayer} has no place in the order of folders`;
  if (!isLayer(targetLayer)) return `internal/${targetLayer} has no place in the order of folders`;
  if (fromLayer === targetLayer || MAY_IMPORT[fromLayer].includes(targetLayer)) return null;
  return `${fromLayer} must not import ${targetLayer}`;
}

function isLayer(name: string): name is Layer {
  return (ORDER as readonly string[]).includes(name);
}

/** Import cycles between files, each written once as a path of files, starting with the first in order. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map((file) => file.path));
  const edges = new Map<string, readonly string[]>();
  for (const file of files) {
    const targets = file.imports.flatMap(({ target }) => (target === null ? [] : [target]));
    edges.set(
      file.path,
      targets.filter((target) => known.has(target)),
    );
  }
  const cycles = new Map<string, string>();
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      const members = trail.slice(at);
      cycles.set(members.toSorted().join(), rotated(members).join(" -> "));
    } else if (!finished.has(path)) {
      trail.push(path);
      for (const target of edges.get(path) ?? []) visit(target);
      trail.pop();
      finished.add(path);
    }
  };
  for (const path of edges.keys()) visit(path);
  return [...cycles.values()].sort();
}

function rotated(members: readonly string[]): string[] {
  const first = members.indexOf(members.toSorted()[0] ?? "");
  return [...members.slice(first), ...members.slice(0, first), members[first] ?? ""];
}
