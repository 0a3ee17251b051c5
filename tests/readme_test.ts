import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { needs } from "./_needs.ts";

const text = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

describe("README", needs("read"), () => {
  for (const name of ["deno", "bun", "node"]) {
    it(`shows examples/${name}.ts, which the demo runs, word for word`, () => {
      const source = text(`examples/${name}.ts`).replace(/^\/\/\/ <reference.*\n/, "");
      const shown = new RegExp(`<!-- example: ${name} -->\\n\\n\`\`\`ts ignore\\n([^]*?)\`\`\``)
        .exec(text("README.md"))?.[1];
      assertEquals(shown, source);
    });
  }

  it("marks no other block as not run", () => {
    assertEquals([...text("README.md").matchAll(/```ts ignore/g)].length, 3);
  });

  it("names the two commands that a newcomer needs", () => {
    for (const command of ["npx -y deno@2 task demo", "npx -y deno@2 task test"]) {
      assert(text("README.md").includes(command), command);
    }
  });
});
