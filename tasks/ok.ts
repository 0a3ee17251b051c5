/**
 * `deno task ok`: the whole gate. Every step runs, so that one run shows all that is wrong; the exit code is non-zero if any failed.
 *
 * @module
 */
import { manifest, publish } from "./publish.ts";
import { rootFolder } from "./runtimes.ts";

const { exports, version } = await manifest();

/** A step that is a Deno command. */
function command(...args: readonly string[]): () => Promise<boolean> {
  return async () => {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: rootFolder,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    return code === 0;
  };
}

/** Both manifests must offer the same modules; JSR reads one, Bun and Node the other. */
async function manifestsAgree(): Promise<boolean> {
  const other = JSON.parse(await Deno.readTextFile(`${rootFolder}package.json`));
  return JSON.stringify(other.exports) === JSON.stringify(exports) && other.version === version;
}

const steps: readonly (readonly [string, () => Promise<boolean>])[] = [
  ["deno.json and package.json agree", manifestsAgree],
  ["the README shows the examples", command("run", "-A", "tasks/readme_examples.ts", "--check")],
  ["fmt", command("fmt", "--check")],
  ["lint, purity of the cores included", command("lint")],
  ["check", command("check")],
  ["doc lint", command("doc", "--lint", ...Object.values(exports))],
  ["tests with doc examples", command("test", "-A", "--doc")],
  ["publish --dry-run", () => publish({ dryRun: true })],
];

const lines: string[] = [];
let failed = 0;
for (const [name, step] of steps) {
  console.log(`--- ${name}`);
  const from = performance.now();
  const passed = await step();
  if (!passed) failed += 1;
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  lines.push(`${passed ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
}
console.log(`\n${lines.join("\n")}\nok: ${steps.length - failed} passed, ${failed} failed`);
if (failed > 0) Deno.exit(1);
