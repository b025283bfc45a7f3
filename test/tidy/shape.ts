// The shape of files: sizes, names, exports, opening comments, comments that are dead code, tests that do not run.
import { isTest, walk } from "./source-tree.ts";
import type { SourceFile, SyntaxNode } from "./source-tree.ts";

export const FILE_LINES_MAX = 600;
export const FUNCTION_LINES_MAX = 70;

export function fileSizeViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => file.lineCount > FILE_LINES_MAX && !isGenerated(file.path))
    .map(
      (file) => `${file.path} has ${file.lineCount} lines, at most ${FILE_LINES_MAX} are allowed`,
    );
}

/**
 * Functions over the limit, by `path#name`, with their lengths. Tests and suites that are functions are exempt, because a
 * `describe` holds its tests: they are the files that import vitest.
 */
export function longFunctions(files: readonly SourceFile[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const file of files) {
    const suite = file.imports.some(({ specifier }) => specifier === "vitest");
    if (suite || isGenerated(file.path)) continue;
    walk(file.program, (node, parent) => {
      if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type))
        return;
      const lines = file.lineOf(node.end) - file.lineOf(node.start) + 1;
      if (lines > FUNCTION_LINES_MAX)
        found.set(`${file.path}#${functionName(node, parent)}`, lines);
    });
  }
  return found;
}

/**
 * Compares the long functions with the accepted ones. A new one fails, and so does one that grew; one that shrank must
 * take its entry along, so that the list only ever gets shorter.
 */
export function ratchetViolations(
  found: ReadonlyMap<string, number>,
  accepted: Readonly<Record<string, number>>,
): string[] {
  const violations: string[] = [];
  for (const [name, lines] of found) {
    const allowed = accepted[name] ?? FUNCTION_LINES_MAX;
    if (lines > allowed)
      violations.push(`${name} has ${lines} lines, at most ${allowed} are allowed`);
  }
  for (const [name, allowed] of Object.entries(accepted)) {
    const lines = found.get(name) ?? 0;
    if (lines < allowed)
      violations.push(`${name} is accepted at ${allowed} lines and has ${lines}: lower it`);
  }
  return violations;
}

function functionName(node: SyntaxNode, parent: SyntaxNode | null): string {
  const named = (node["id"] ?? parent?.["key"] ?? parent?.["id"]) as SyntaxNode | null | undefined;
  const name = named?.["name"];
  return typeof name === "string" ? name : "anonymous";
}

export function exportViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const violations: string[] = [];
    const report = (node: SyntaxNode, what: string): void => {
      violations.push(`${file.path}:${file.lineOf(node.start)} ${what}`);
    };
    if (/(^|\/)index\.ts$/.test(file.path)) violations.push(`${file.path} is an index file`);
    if (!/^[a-z0-9.-]+$/.test(file.path.split("/").at(-1) ?? "")) {
      violations.push(`${file.path} is not in kebab-case`);
    }
    walk(file.program, (node) => {
      if (node.type === "ExportAllDeclaration") report(node, "re-exports everything of a file");
      if (node.type === "ExportDefaultDeclaration") report(node, "has a default export");
      if (node.type === "TSEnumDeclaration") report(node, "declares an enum");
    });
    for (const { specifier, target, line } of file.imports) {
      if (target !== null && !target.endsWith(".ts") && !target.endsWith(".json")) {
        violations.push(`${file.path}:${line} imports ${specifier}, which does not name a file`);
      }
    }
    return violations;
  });
}

/** Files of the product that do not open with a comment which says what they are responsible for. */
export function openingViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !isTest(file.path) && !/^(#!.*\n)?\/[/*]/.test(file.text))
    .map(
      (file) => `${file.path} does not open with a comment that says what it is responsible for`,
    );
}

const DEAD_CODE = [
  /^\s*(const|let|var|import|export|return|await|throw)\b.*;\s*$/,
  /^\s*(if|for|while|switch) \(.*\) ?\{?\s*$/,
  /^\s*[\w.#]+\(.*\);\s*$/,
  /^\s*\} else\b/,
];

export function commentViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    file.comments.flatMap(({ text, line }) => {
      const where = `${file.path}:${line}`;
      const violations: string[] = [];
      if (text.includes(`FIX${"ME"}`)) violations.push(`${where} holds a FIX${"ME"}`);
      if (/\bTODO\b(?!\([\w-]+\): \S)/.test(text))
        violations.push(`${where} holds a TODO without a name and a reason`);
      const jsdoc = text.startsWith("*");
      if (!jsdoc && DEAD_CODE.some((pattern) => pattern.test(text))) {
        violations.push(`${where} looks like code in a comment`);
      }
      if (/@ts-(ignore|nocheck|expect-error)/.test(text))
        violations.push(`${where} silences the compiler`);
      return violations;
    }),
  );
}

const RUNNERS = new Set(["it", "test", "describe", "suite"]);
const HALTED = new Set(["only", "skip", "todo", "skipIf", "runIf", "fails"]);

export function haltedTests(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const violations: string[] = [];
    walk(file.program, (node) => {
      if (node.type !== "MemberExpression") return;
      const object = node["object"] as SyntaxNode;
      const word = String((node["property"] as SyntaxNode)["name"]);
      const runner = String(object["name"]);
      if (object.type === "Identifier" && RUNNERS.has(runner) && HALTED.has(word)) {
        violations.push(`${file.path}:${file.lineOf(node.start)} ${runner}.${word}`);
      }
    });
    return violations;
  });
}

function isGenerated(path: string): boolean {
  return path.includes("/generated/");
}
