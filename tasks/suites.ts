/**
 * `deno task test [deno|bun|node]…`: one suite, three runtimes, one count each. A runtime that cannot be had is a failure, never a skip.
 *
 * @module
 */
import { packages, rootFolder, runtime, type RuntimeName } from "./runtimes.ts";
import { help } from "./usage.ts";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const skippedFolders = new Set(["node_modules", ".runtimes", ".git", "links", "testdata"]);

async function testFiles(folder: string = rootFolder, prefix = "./"): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory && !skippedFolders.has(entry.name)) {
      files.push(...await testFiles(`${folder}${entry.name}/`, `${prefix}${entry.name}/`));
    } else if (entry.name.endsWith("_test.ts")) files.push(prefix + entry.name);
  }
  return files.sort();
}

/** Streams a command's output to the terminal and returns it with its exit code. */
async function watched(
  command: string,
  args: readonly string[],
): Promise<{ code: number; text: string }> {
  const child = new Deno.Command(command, {
    args: [...args],
    cwd: rootFolder,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  let text = "";
  const copy = async (from: ReadableStream<Uint8Array>, to: typeof Deno.stdout) => {
    const decoder = new TextDecoder();
    for await (const chunk of from) {
      text += decoder.decode(chunk, { stream: true });
      for (let at = 0; at < chunk.length;) at += await to.write(chunk.subarray(at));
    }
  };
  await Promise.all([copy(child.stdout, Deno.stdout), copy(child.stderr, Deno.stderr)]);
  return { code: (await child.status).code, text };
}

function count(text: string, pattern: RegExp): number {
  const found = [...text.matchAll(pattern)].at(-1);
  return found ? Number(found[1]) : 0;
}

/** Counts leaves: Deno reports every `describe` as a test of its own, the others do not. */
function denoCounts(junit: string): Counts {
  const cases = [...junit.matchAll(/<testcase name="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g)]
    .map(([, name, body]) => ({ name: name!, body: body! }));
  const groups = new Set(cases.flatMap(({ name }) => {
    const parts = name.split(" &gt; ");
    return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join(" &gt; "));
  }));
  const leaves = cases.filter(({ name }) => !groups.has(name));
  const failed = leaves.filter(({ body }) => /<(failure|error)/.test(body)).length;
  const skipped = leaves.filter(({ body }) => body.includes("<skipped")).length;
  return { passed: leaves.length - failed - skipped, failed, skipped };
}

const suites: Readonly<
  Record<RuntimeName, (files: string[]) => Promise<Counts & { code: number }>>
> = {
  async deno(files) {
    const junit = await Deno.makeTempFile({ suffix: ".xml" });
    try {
      const { code } = await watched(Deno.execPath(), [
        "test",
        "-A",
        "--no-check", // the gate checks
        `--junit-path=${junit}`,
        ...files,
      ]);
      return { code, ...denoCounts(await Deno.readTextFile(junit)) };
    } finally {
      await Deno.remove(junit);
    }
  },
  async bun(files) {
    await packages();
    const { code, text } = await watched(await runtime("bun"), [
      "test",
      "--timeout",
      "60000",
      ...files,
    ]);
    return {
      code,
      passed: count(text, /^\s*(\d+) pass$/gm),
      failed: count(text, /^\s*(\d+) fail$/gm),
      skipped: count(text, /^\s*(\d+) skip$/gm),
    };
  },
  async node(files) {
    await packages();
    const { code, text } = await watched(await runtime("node"), [
      "--test",
      "--test-timeout=120000",
      "--test-reporter=spec",
      ...files,
    ]);
    return {
      code,
      passed: count(text, /^ℹ pass (\d+)$/gm),
      failed: count(text, /^ℹ fail (\d+)$/gm) + count(text, /^ℹ cancelled (\d+)$/gm),
      skipped: count(text, /^ℹ skipped (\d+)$/gm),
    };
  },
};

help(import.meta.url);
for (const arg of Deno.args) {
  if (arg in suites || arg.endsWith("_test.ts")) continue;
  // A misspelt name must not run everything instead.
  console.error(
    `Cannot test as each argument must be ${Object.keys(suites).join(", ")} or a *_test.ts: ` +
      `current value is ${arg}`,
  );
  Deno.exit(2);
}
const asked = Deno.args.filter((arg): arg is RuntimeName => arg in suites);
const only = Deno.args.filter((arg) => arg.endsWith(".ts"));
const names: readonly RuntimeName[] = asked.length > 0 ? asked : ["deno", "bun", "node"];
const files = only.length > 0
  ? only.map((file) => `./${file.replace(/^\.\//, "")}`)
  : await testFiles();

let sound = true;
const lines: string[] = [];
for (const name of names) {
  console.log(`\n=== ${name}: ${files.length} files ===`);
  const { code, passed, failed, skipped } = await suites[name](files);
  // A suite that ran nothing, or died without a count, has not passed.
  if (code !== 0 || failed > 0 || passed === 0) sound = false;
  const failures = code !== 0 && failed === 0 ? 1 : failed;
  lines.push(
    `${name}: ${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
  );
}
console.log(`\n${lines.join("\n")}`);
if (!sound) Deno.exit(1);
