/**
 * `deno task release`: publishes from a copy of the published files, in which `jsr:@std/…` means the real modules. With `--dry-run` the copy's
 * links point back at the repository, so that only an npm registry is needed; inside a package root a linked module that is not
 * itself published would fail the dry run.
 *
 * @module
 */
import { rootFolder } from "./runtimes.ts";
import { help } from "./usage.ts";

/** What `deno.json` says, as far as the tasks read it. */
export interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly links: readonly string[];
  readonly publish: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  readonly [key: string]: unknown;
}

/** The package's manifest. */
export async function manifest(): Promise<Manifest> {
  return JSON.parse(await Deno.readTextFile(`${rootFolder}deno.json`));
}

/** Publishes, or tries to; `true` when it went well. */
export async function publish(options: { readonly dryRun: boolean }): Promise<boolean> {
  const { tasks: _tasks, lint: _lint, fmt: _fmt, test: _test, nodeModulesDir: _modules, ...kept } =
    await manifest();
  const links = options.dryRun ? kept.links.map((link) => rootFolder + link.slice(2)) : [];
  const copy = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${copy}/deno.json`, JSON.stringify({ ...kept, links }, null, 2));
    const top = new Set(kept.publish.include.map((pattern) => pattern.split("/")[0]!));
    await copyFolder(rootFolder, `${copy}/`, (name) => top.has(name) && name !== "deno.json");
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["publish", "--allow-dirty", ...options.dryRun ? ["--dry-run"] : []],
      cwd: copy,
      stdin: options.dryRun ? "null" : "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    return code === 0;
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

async function copyFolder(
  from: string,
  to: string,
  wanted: (name: string) => boolean,
): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (!wanted(name)) continue;
    if (isDirectory) {
      await Deno.mkdir(to + name);
      await copyFolder(`${from}${name}/`, `${to}${name}/`, () => true);
    } else await Deno.copyFile(from + name, to + name);
  }
}

if (import.meta.main) {
  help(import.meta.url);
  if (!await publish({ dryRun: Deno.args.includes("--dry-run") })) Deno.exit(1);
}
