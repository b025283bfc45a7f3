// Reads a tree of TypeScript files as the tidy checks see it: path, text, syntax tree, comments and imports.
// A real parser rather than patterns, so that a ban does not fire on a word in a comment or a string, and an import
// is found wherever it stands. The same reader serves the project and the fixture trees that must fail.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { parseSync } from "rolldown/utils";

export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface Import {
  /** As written, e.g. `../base/result.ts` or `node:fs`. */
  readonly specifier: string;
  /** The path inside the tree that a relative specifier points to, else null. */
  readonly target: string | null;
  readonly line: number;
}

export interface SourceFile {
  /** From the root of the tree, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lineCount: number;
  readonly program: SyntaxNode;
  readonly comments: readonly { readonly text: string; readonly line: number }[];
  readonly imports: readonly Import[];
  lineOf(position: number): number;
}

const UNREAD = new Set(["node_modules", "dist", "coverage", "tmp"]);

/** Every file below `root` whose name ends with one of `endings`, without fixtures and hidden folders; sorted. */
export function listFiles(root: string, endings: readonly string[]): string[] {
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const name = relative(root, path).replaceAll("\\", "/");
      if (entry.isDirectory()) {
        const hidden = entry.name.startsWith(".") && entry.name !== ".ci";
        if (!hidden && !UNREAD.has(entry.name) && name !== "test/tidy/fixtures") visit(path);
      } else if (endings.some((ending) => entry.name.endsWith(ending))) {
        found.push(name);
      }
    }
  };
  visit(root);
  return found.sort();
}

/** The TypeScript files of a tree, parsed. Throws on a file that does not parse. */
export function readTree(root: string, folders: readonly string[]): SourceFile[] {
  return listFiles(root, [".ts"])
    .filter((path) => folders.includes(path.split("/")[0] ?? ""))
    .map((path) => readSource(path, readFileSync(join(root, path), "utf8")));
}

function readSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text);
  if (parsed.errors.length > 0) throw new Error(`${path}: ${parsed.errors[0]?.message}`);
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1))
    lineStarts.push(at + 1);
  const lineOf = (position: number): number => {
    let line = 0;
    let after = lineStarts.length;
    while (after - line > 1) {
      const middle = (line + after) >> 1;
      if ((lineStarts[middle] ?? 0) <= position) line = middle;
      else after = middle;
    }
    return line + 1;
  };
  const program = parsed.program as unknown as SyntaxNode;
  const imports: Import[] = [];
  walk(program, (node) => {
    const source = node["source"] as SyntaxNode | null | undefined;
    if (!IMPORTING.has(node.type) || source?.type !== "Literal") return;
    const specifier = String(source["value"]);
    const target = specifier.startsWith(".")
      ? posix.normalize(posix.join(dirname(path), specifier))
      : null;
    imports.push({ specifier, target, line: lineOf(node.start) });
  });
  const comments = parsed.comments.map((comment) => ({
    text: comment.value,
    line: lineOf(comment.start),
  }));
  const lineCount = lineStarts.length - (text.endsWith("\n") ? 1 : 0);
  return { path, text, lineCount, program, comments, imports, lineOf };
}

// Type-only imports count: a layer that knows a type of a higher one depends on it.
const IMPORTING = new Set([
  "ImportDeclaration",
  "ImportExpression",
  "TSImportType",
  "ExportAllDeclaration",
  "ExportNamedDeclaration",
]);

/** Visits every node of a syntax tree, parents first. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, parent: SyntaxNode | null) => void,
  parent: SyntaxNode | null = null,
): void {
  visit(node, parent);
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) walk(item, visit, node);
    } else if (isNode(value)) {
      walk(value, visit, node);
    }
  }
}

function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === "object" && value !== null && typeof Reflect.get(value, "type") === "string"
  );
}

/** Tests may use what the code under test may not. */
export function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}
