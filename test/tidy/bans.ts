// What the core must not touch: time, randomness, timers, the network, the file system and the process come in
// through ports, so that one thread can run a whole cluster from one seed. Only internal/host is free; the gRPC and
// HTTP front ends may use their libraries; bytes may use codecs and coordinators an engine for expressions, which are pure.
import { isTest, walk } from "./source-tree.ts";
import type { SourceFile, SyntaxNode } from "./source-tree.ts";

const BANNED_GLOBALS: Readonly<Record<string, string>> = {
  Date: "the Clock port",
  setTimeout: "the Clock port",
  setInterval: "the Clock port",
  setImmediate: "the Clock port",
  performance: "the Clock port",
  crypto: "the Entropy port",
  process: "a setting or a port",
  console: "the Log port",
  fetch: "the Wire port",
  require: "an import",
  globalThis: "a named global",
};

/** Tests do not depend on how fast a machine is: they wait for what happens, or in simulated time. */
const BANNED_IN_TESTS: Readonly<Record<string, string>> = {
  setTimeout: "until() of test/until.ts, or simulated time",
  setInterval: "until() of test/until.ts, or simulated time",
  performance: "simulated time",
};

/** Tests that may, and why. */
const TIMED_TESTS: ReadonlySet<string> = new Set([
  // Ends what would hang for ever if the journal were broken; passing does not depend on it.
  "test/conformance/journal-own-thread.test.ts",
  // A delay that was asked for is a least one.
  "jepsen-like/network/network.test.ts",
]);

const TESTS: ReadonlySet<string> = new Set([
  "it",
  "test",
  "describe",
  "beforeAll",
  "beforeEach",
  "afterEach",
  "afterAll",
]);

const BANNED_MEMBERS: Readonly<Record<string, string>> = {
  "Math.random": "the Entropy port",
  "Buffer.allocUnsafe": "new Uint8Array, whose bytes are zero",
  "Buffer.allocUnsafeSlow": "new Uint8Array, whose bytes are zero",
};

/** Packages and Node modules, by folder of internal/. Folders that are not named may import none. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  bytes: ["node:zlib", "@node-rs/crc32"],
  coordinator: ["re2js"],
  grpc: [
    "@grpc/grpc-js",
    "@grpc/proto-loader",
    "protobufjs",
    "protobufjs/light.js",
    "protobufjs/minimal.js",
    "protobufjs/ext/descriptor.js",
    "node:stream",
  ],
  http: ["node:http", "node:https"],
};

export function banViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const [top, layer = ""] = file.path.split("/");
    if (isTest(file.path)) {
      const timed = TIMED_TESTS.has(file.path) ? [] : globalViolations(file, BANNED_IN_TESTS, {});
      return [...timed, ...ownLimits(file)];
    }
    if (top !== "internal" || layer === "host") return [];
    const globals = globalViolations(file, BANNED_GLOBALS, BANNED_MEMBERS);
    return [...packageViolations(file, layer), ...globals, ...lostMessages(file)];
  });
}

/** A test that gives itself a time is red on a slow machine: there is one limit for all, which only a hang reaches. */
function ownLimits(file: SourceFile): string[] {
  const limits: string[] = [];
  walk(file.program, (node) => {
    if (!givesTime(node) && !endsWithTime(node)) return;
    limits.push(`${file.path}:${file.lineOf(node.start)} a limit of its own: use HANG_MS`);
  });
  return limits;
}

/** As in `{ timeout: 20_000 }`. */
function givesTime(node: SyntaxNode): boolean {
  if (node.type !== "Property" || (node["key"] as SyntaxNode)["name"] !== "timeout") return false;
  return (node["value"] as SyntaxNode)["name"] !== "HANG_MS";
}

/** As in `it("...", () => {}, 20_000)`. */
function endsWithTime(node: SyntaxNode): boolean {
  if (node.type !== "CallExpression" || !TESTS.has(rootName(node))) return false;
  return typeof (node["arguments"] as SyntaxNode[]).at(-1)?.["value"] === "number";
}

/** Of `it.each(rows)("...")`: `it`. */
function rootName(node: SyntaxNode): string {
  const inner = node["callee"] ?? node["object"];
  return inner === undefined ? String(node["name"]) : rootName(inner as SyntaxNode);
}

/** A control lane may refuse, and what it refused is lost: whoever does not look must not use `send` (F6). */
function lostMessages(file: SourceFile): string[] {
  const lost: string[] = [];
  walk(file.program, (node) => {
    if (node.type !== "ExpressionStatement") return;
    const call = node["expression"] as SyntaxNode;
    if (call.type !== "CallExpression") return;
    const callee = call["callee"] as SyntaxNode;
    const [lane] = call["arguments"] as SyntaxNode[];
    if (callee.type !== "MemberExpression" || lane?.["value"] !== "control") return;
    if ((callee["property"] as SyntaxNode)["name"] !== "send") return;
    lost.push(
      `${file.path}:${file.lineOf(node.start)} a full control lane loses this: say() it, or keep it`,
    );
  });
  return lost;
}

function packageViolations(file: SourceFile, layer: string): string[] {
  const allowed = PACKAGES[layer] ?? [];
  return file.imports
    .filter(({ specifier, target }) => target === null && !allowed.includes(specifier))
    .map(({ specifier, line }) => `${file.path}:${line} ${layer} must not import ${specifier}`);
}

function globalViolations(
  file: SourceFile,
  bannedGlobals: Readonly<Record<string, string>>,
  bannedMembers: Readonly<Record<string, string>>,
): string[] {
  const violations: string[] = [];
  const declared = declaredNames(file.program);
  const report = (node: SyntaxNode, name: string, instead: string): void => {
    violations.push(
      `${file.path}:${file.lineOf(node.start)} ${name} is banned here: use ${instead}`,
    );
  };
  walk(file.program, (node, parent) => {
    const member = memberName(node);
    const replacement = member === null ? undefined : bannedMembers[member];
    if (member !== null && replacement !== undefined) report(node, member, replacement);
    if (node.type !== "Identifier" || !isReference(node, parent)) return;
    const name = String(node["name"]);
    if (Object.hasOwn(bannedGlobals, name) && !declared.has(name)) {
      report(node, name, bannedGlobals[name] ?? "a port");
    }
  });
  return violations;
}

function memberName(node: SyntaxNode): string | null {
  if (node.type !== "MemberExpression" || node["computed"] === true) return null;
  const object = node["object"] as SyntaxNode;
  const property = node["property"] as SyntaxNode;
  if (object.type !== "Identifier" || property.type !== "Identifier") return null;
  return `${String(object["name"])}.${String(property["name"])}`;
}

/** Whether an identifier stands for a value or a type, rather than naming a member. */
function isReference(node: SyntaxNode, parent: SyntaxNode | null): boolean {
  if (parent === null) return true;
  if (parent.type === "MemberExpression")
    return parent["object"] === node || parent["computed"] === true;
  if (parent.type === "TSQualifiedName") return parent["left"] === node;
  const named = parent["key"] === node && parent["computed"] !== true;
  return !named || parent["shorthand"] === true;
}

/** Names that the file itself declares or imports: a parameter called `process` is no global. */
function declaredNames(program: SyntaxNode): ReadonlySet<string> {
  const names = new Set<string>();
  const bind = (pattern: SyntaxNode | null | undefined): void => {
    if (pattern === null || pattern === undefined) return;
    if (pattern.type === "Identifier") names.add(String(pattern["name"]));
    if (pattern.type === "AssignmentPattern") bind(pattern["left"] as SyntaxNode);
    if (pattern.type === "RestElement") bind(pattern["argument"] as SyntaxNode);
    if (pattern.type === "ObjectPattern") {
      for (const property of pattern["properties"] as SyntaxNode[]) {
        bind((property["value"] ?? property) as SyntaxNode);
      }
    }
    if (pattern.type === "ArrayPattern") {
      for (const element of pattern["elements"] as (SyntaxNode | null)[]) bind(element);
    }
  };
  walk(program, (node) => {
    if (node.type === "VariableDeclarator" || node.type.endsWith("Declaration")) {
      bind(node["id"] as SyntaxNode | null);
    }
    if (Array.isArray(node["params"]))
      for (const param of node["params"]) bind(param as SyntaxNode);
    if (node.type.startsWith("Import")) bind(node["local"] as SyntaxNode | null);
  });
  return names;
}
