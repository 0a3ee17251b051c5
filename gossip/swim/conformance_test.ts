import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { needs } from "../../tests/_needs.ts";

const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("docs/conformance.md", needs("read"), () => {
  const rows = () =>
    [...text("docs/conformance.md").matchAll(/^\| ([CVT])-(\d+) +\| (.*?) +\|/gm)]
      .map(([, kind, number, shown]) => ({ kind, number: Number(number), shown: shown! }));

  it("has one row for each check, vector and trap", () => {
    for (const [kind, last] of [["C", 102], ["V", 44], ["T", 41]] as const) {
      const numbers = rows().filter((row) => row.kind === kind).map(({ number }) => number);
      assertEquals(numbers, Array.from({ length: last }, (_, i) => i + 1));
    }
  });

  it("names tests that exist", () => {
    const sources = new Map<string, string>();
    for (const { kind, number, shown } of rows()) {
      for (const test of shown.split("<br>")) {
        const [, path, name] = /^`([^`]+)`(?:: (.+))?$/.exec(test) ?? [];
        assert(path !== undefined, `${kind}-${number}: ${test}`);
        if (!sources.has(path)) sources.set(path, text(path));
        assert(name !== undefined || path.startsWith("interop/"), `${kind}-${number}: ${test}`);
        assert(sources.get(path)!.includes(name ?? ""), `${kind}-${number}: ${test}`);
      }
    }
  });

  it("names, for each check of Scuttlebutt, tests that exist", () => {
    const checks = [...text("docs/conformance.md").matchAll(/^\| S-(\d+) +\| .*? +\| (.*?) +\|/gm)];
    assertEquals(checks.map(([, id]) => Number(id)), Array.from({ length: 58 }, (_, i) => i + 1));
    for (const [, id, shown] of checks) {
      for (const test of shown!.split("<br>")) {
        const [, path, name] = /^`([^`]+)`: (.+)$/.exec(test) ?? [];
        assert(path !== undefined && text(path).includes(name!), `S-${id}: ${test}`);
      }
    }
  });
});
