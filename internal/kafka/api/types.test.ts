// The interfaces in each API's file are those its schema texts render to, and the registry lists every file.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderTypes } from "../../schema/render-types.ts";
import { APIS, apiOf } from "./registry.ts";
import type { AnyApi } from "./registry.ts";

const FOLDER = new URL("./", import.meta.url);
const MARK = "with UPDATE=1.\n";
const files = readdirSync(FOLDER).filter((name) => /^[0-9]{2}-.*(?<!\.test)\.ts$/.test(name));

function fileOf(api: AnyApi): string {
  const start = `${String(api.key).padStart(2, "0")}-`;
  return files.find((name) => name.startsWith(start)) ?? `missing ${start}`;
}

test("the registry lists every API file once, in the order of keys", () => {
  expect(APIS.map(fileOf)).toEqual(files);
  expect(APIS.map((api) => apiOf(api.key))).toEqual(APIS);
  expect(apiOf(4)).toBeUndefined();
});

describe.each(APIS.map((api) => [api.name, api] as const))("%s", (name, api) => {
  test("has the types of its schema texts", () => {
    const url = new URL(fileOf(api), FOLDER);
    const source = readFileSync(url, "utf8");
    const head = source.slice(0, source.indexOf(MARK) + MARK.length);
    const types =
      renderTypes(`${name}Request`, api.request.fields, "client") +
      "\n" +
      renderTypes(`${name}Response`, api.response.fields, "broker");
    if (process.env["UPDATE"] === "1") writeFileSync(url, head + types);
    expect(source).toBe(head + types);
  });
});
