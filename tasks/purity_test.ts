import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import plugin from "./purity.ts";

/** The rules that a source breaks, each once, as a file of that name. */
function broken(file: string, source: string): readonly string[] {
  const found = Deno.lint.runPlugin(plugin, `/repository/${file}`, source);
  return [...new Set(found.map(({ id }) => id))];
}

// Only Deno lints; what Bun and Node would say of the rules is nothing.
if ("Deno" in globalThis) {
  describe("the purity of the cores", () => {
    const impure: Readonly<Record<string, string>> = {
      "a clock": "export const now = () => Date.now();",
      "a clock by another name": "export const now = () => globalThis.Date.now();",
      "a monotonic clock": "export const now = () => performance.now();",
      "randomness": "export const draw = () => Math.random();",
      "randomness by an index": 'export const draw = () => Math["random"]();',
      "randomness taken apart": "const { random } = Math; export const draw = () => random();",
      "secrets": "export const id = () => crypto.randomUUID();",
      "a timer": "export const later = (f: () => void) => setTimeout(f, 1);",
      "a microtask": "export const later = (f: () => void) => queueMicrotask(f);",
      "an async function": "export async function f(): Promise<void> {}",
      "an await": "await Promise.resolve();",
      "an await in a loop": "for await (const x of []) void x;",
      "a module of Node": 'import { readFile } from "node:fs"; void readFile;',
      "a module of Node, later": 'export const fs = () => import("node:fs");',
      "a computed module": "export const load = (name: string) => import(name);",
      "an edge": 'import { listen } from "../../transport/mod.ts"; void listen;',
      "an edge passed on": 'export * from "../../membership/mod.ts";',
      "the runtime": "export const runtime = Deno.version;",
    };
    for (const [what, source] of Object.entries(impure)) {
      it(`is broken by ${what}`, () => {
        for (const file of ["shard/x.ts", "gossip/swim/x.ts"]) {
          assertEquals(broken(file, source), ["purity/core"]);
        }
        // Edges may, and so may tests and harnesses of cores.
        for (const file of ["membership/x.ts", "shard/x_test.ts", "gossip/swim/_harness_x.ts"]) {
          assertEquals(broken(file, source), []);
        }
      });
    }

    it("is broken by a log", () => {
      const source = "export const say = () => console.log(1);";
      assertEquals(broken("gossip/x.ts", source).toSorted(), ["purity/core", "purity/quiet"]);
      assertEquals(broken("transport/x.ts", source), ["purity/quiet"]);
      assertEquals(broken("tasks/x.ts", source), []);
    });

    it("is not broken by names alone", () => {
      const source = `
        export interface Stamped { readonly Date: number; readonly process: string }
        export const stamp = (it: Stamped) => it.Date + Math.floor(Math.log2(8)) + Math.PI;
        export const table = { Math: 1, performance: 2, console: 3 };
      `;
      assertEquals(broken("gossip/x.ts", source), []);
    });
  });
}
