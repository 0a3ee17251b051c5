import { assert, assertEquals } from "@std/assert";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { needs } from "../tests/_needs.ts";
import { traces } from "./_harness_trace.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const program = fileURLToPath(new URL("_harness_trace.ts", import.meta.url));

/** Where a runtime may be: on the path, or where the tasks install it. */
function* candidates(command: string): Iterable<string> {
  yield command;
  const installed = `${root}.runtimes/node_modules/`;
  if (!existsSync(installed)) return;
  for (const name of [...readdirSync(installed), ...scoped(`${installed}@oven/`)]) {
    if (name.includes(command)) yield `${installed}${name}/bin/${command}`;
  }
}

function scoped(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => `@oven/${name}`) : [];
}

/** What a command prints; it fails with what it complained of, or for taking far too long. */
function run(command: string, args: readonly string[]): string {
  const options = { cwd: root, encoding: "utf8", timeout: 280_000, stdio: "pipe" } as const;
  return execFileSync(command, args, options).trim();
}

function versionOf(command: string): string {
  try {
    return run(command, ["--version"]);
  } catch {
    return "";
  }
}

describe("the trace of a seed", needs("read", "run", "env"), () => {
  const versions = { node: /v(2[2-9]|[3-9]\d)\./, bun: /^1\./, deno: /deno 2/ };
  const flags = { node: [], bun: [], deno: ["run", "--no-lock"] } as const;

  it("is the same in every runtime that is there, and when run twice", { timeout: 900_000 }, () => {
    const own = traces();
    const seen: string[] = [];
    // Without `node_modules` (a fresh clone, before any task of the others) Bun and Node cannot run the program at all.
    const others = existsSync(`${root}node_modules`) ? ["node", "bun"] as const : [];
    for (const name of [...others, "deno"] as const) {
      for (const command of [...candidates(name)]) {
        if (!versions[name].test(versionOf(command))) continue;
        assertEquals(
          run(command, [...flags[name], program]),
          own,
          `${name} against ${process.title}`,
        );
        seen.push(name);
        break;
      }
    }
    assert(seen.length > 0, "no runtime was found, not even the own one");
  });
});
