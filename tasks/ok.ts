/**
 * `deno task ok`: the whole gate. Every step runs, so that one run shows all that is wrong; the exit code is non-zero if any failed.
 *
 * @module
 */
import { goTool } from "../interop/kinds.ts";
import { manifest, publish } from "./publish.ts";
import { exitCode, rootFolder } from "./runtimes.ts";
import { help } from "./usage.ts";

help(import.meta.url);
const { exports, version } = await manifest();

/** A step that is a Deno command. */
function command(...args: readonly string[]): () => Promise<boolean> {
  return async () => await exitCode(Deno.execPath(), args) === 0;
}

/** The Go programs that this library is compared with and talks to; left out where there is no Go. */
async function goPrograms(): Promise<boolean> {
  let go: string;
  try {
    go = await goTool();
  } catch {
    console.log("left out: there is no Go toolchain");
    return true;
  }
  let passed = true;
  for (const folder of ["bench/go", "interop/go"]) {
    for (const verb of ["vet", "test"]) {
      const code = await exitCode(go, [verb, "./..."], `${rootFolder}${folder}`);
      passed = code === 0 && passed;
    }
  }
  return passed;
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
  ["go vet and go test, where there is Go", goPrograms],
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
