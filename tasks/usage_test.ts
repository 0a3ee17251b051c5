import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { descriptionOf } from "./usage.ts";

const root = new URL("../", import.meta.url);
const { tasks } = JSON.parse(readFileSync(new URL("deno.json", root), "utf8")) as {
  tasks: Readonly<Record<string, string>>;
};

describe("--help", () => {
  it("descriptionOf() is the text of the comment at the beginning", () => {
    const source =
      "// a directive\n/**\n * Does it: `task`.\n *\n * More.\n *\n * @module\n */\nx();\n" +
      "/** Another. */\n";
    assertEquals(descriptionOf(source), "Does it: `task`.\n\nMore.");
    assertEquals(descriptionOf("x();\n/** Not the first. */\n"), "");
  });

  for (const [task, command] of Object.entries(tasks)) {
    const [, file] = /^deno run -A ([^ ]+)/.exec(command) ?? [];
    if (file === undefined || task.startsWith("test:")) continue;
    it(`deno task ${task} tells how it is called`, () => {
      const source = readFileSync(new URL(file, root), "utf8");
      assert(descriptionOf(source).includes(`deno task ${task}`), descriptionOf(source));
      assert(/help\(import\.meta\.url\)|flags\.help/.test(source), "it does not ask for --help");
    });
  }
});
