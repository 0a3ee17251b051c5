/**
 * Finds Bun and Node for the tasks, and installs them from npm into `.runtimes/` when the machine has none that is new enough.
 * The platform packages hold the bare binaries: no install script has to run.
 *
 * @module
 */

/** The runtimes that the project promises. */
export type RuntimeName = "deno" | "bun" | "node";

const root = new URL("..", import.meta.url).pathname;

interface Wanted {
  readonly command: string;
  readonly oldest: readonly [number, number];
  readonly packages: readonly string[];
  readonly binary: (packageName: string) => string;
}

/** What to look for on this machine. A function, as tests import this module on runtimes without `Deno`. */
function wanted(name: "bun" | "node"): Wanted {
  const cpu = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const system = Deno.build.os === "darwin" ? "darwin" : "linux";
  if (name === "node") {
    return {
      command: "node",
      oldest: [24, 0],
      packages: [`node-${system}-${cpu}`],
      binary: (name) => `${name}/bin/node`,
    };
  }
  return {
    command: "bun",
    oldest: [1, 4],
    packages: cpu === "arm64"
      ? [`@oven/bun-${system}-aarch64`]
      : [`@oven/bun-${system}-x64`, `@oven/bun-${system}-x64-baseline`],
    binary: (name) => `${name}/bin/bun`,
  };
}

async function versionOf(command: string): Promise<readonly [number, number] | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, {
      args: ["--version"],
      stdin: "null",
      stderr: "null",
    }).output();
    if (!success) return undefined;
    const found = /(\d+)\.(\d+)/.exec(new TextDecoder().decode(stdout));
    return found ? [Number(found[1]), Number(found[2])] : undefined;
  } catch {
    return undefined;
  }
}

function isRecent(
  version: readonly [number, number] | undefined,
  oldest: readonly [number, number],
) {
  return version !== undefined &&
    (version[0] > oldest[0] || (version[0] === oldest[0] && version[1] >= oldest[1]));
}

/** Runs a command to its end with inherited output. */
export async function exitCode(
  command: string,
  args: readonly string[],
  cwd: string = root,
): Promise<number> {
  const { code } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  return code;
}

/** Runs a command to its end with inherited output; throws when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  cwd: string = root,
): Promise<void> {
  const code = await exitCode(command, args, cwd);
  if (code !== 0) {
    throw new Error(`Cannot go on: '${command} ${args.join(" ")}' exited with ${code}`);
  }
}

/** The path of a runtime that is new enough, installing it when need be. */
export async function runtime(name: RuntimeName): Promise<string> {
  if (name === "deno") return Deno.execPath();
  const { command, oldest, packages, binary } = wanted(name);
  if (isRecent(await versionOf(command), oldest)) return command;
  for (const packageName of packages) {
    const path = `${root}.runtimes/node_modules/${binary(packageName)}`;
    if (isRecent(await versionOf(path), oldest)) return path;
    console.log(`Installing ${packageName}@${oldest[0]} into .runtimes/`);
    await Deno.mkdir(`${root}.runtimes`, { recursive: true });
    await run("npm", [
      "install",
      "--save", // or the next one that is installed would push this one out
      "--no-audit",
      "--no-fund",
      "--ignore-scripts",
      "--prefix",
      `${root}.runtimes`,
      `${packageName}@${oldest[0]}`,
    ]);
    if (isRecent(await versionOf(path), oldest)) return path;
  }
  throw new Error(
    `Cannot find ${name} ≥ ${oldest.join(".")}: not on PATH and not installable from npm`,
  );
}

/** Installs the npm packages that Bun and Node read from `node_modules`, unless they are there already. */
export async function packages(): Promise<void> {
  try {
    const installed = await Deno.stat(`${root}node_modules/.package-lock.json`);
    const asked = await Deno.stat(`${root}package-lock.json`);
    if ((installed.mtime?.getTime() ?? 0) >= (asked.mtime?.getTime() ?? 0)) return;
  } catch {
    // Not installed yet.
  }
  await run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
}

/** The repository's root folder, with a slash at its end. */
export const rootFolder: string = root;

if (import.meta.main) {
  for (const name of ["bun", "node"] as const) console.log(name, await runtime(name));
  await packages();
}
