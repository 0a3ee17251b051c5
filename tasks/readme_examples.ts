/**
 * Puts `examples/{deno,bun,node}.ts` into the README between their markers, or, with `--check`, tells whether they are there already.
 *
 * @module
 */
import { rootFolder } from "./runtimes.ts";

const path = `${rootFolder}README.md`;
let text = await Deno.readTextFile(path);
const before = text;
for (const name of ["deno", "bun", "node"]) {
  const source = (await Deno.readTextFile(`${rootFolder}examples/${name}.ts`))
    .replace(/^\/\/\/ <reference.*\n/, "");
  const block = `<!-- example: ${name} -->\n\n\`\`\`ts ignore\n${source}\`\`\`\n\n<!-- end -->`;
  text = text.replace(new RegExp(`<!-- example: ${name} -->[^]*?<!-- end -->`), () => block);
}
if (Deno.args.includes("--check")) Deno.exit(text === before ? 0 : 1);
await Deno.writeTextFile(path, text);
