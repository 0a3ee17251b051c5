/**
 * Which programs stand for which peers: our own on three runtimes, the Go one of this folder, and others that the caller brings.
 *
 * @module
 */
import { runtime } from "../tasks/runtimes.ts";
import { fromFileUrl } from "./paths.ts";

/** A kind of peer. */
export interface PeerKind {
  /** What it is called in names and results: `deno`, `bun`, `node`, `go`, or the name given with `--peer`. */
  readonly name: string;
  /** Program and fixed arguments. */
  readonly command: readonly string[];
  /** Whether the caller brought it. */
  readonly outside: boolean;
}

const here = fromFileUrl(new URL(".", import.meta.url));

/** The names of the runtimes that our own peer runs on. */
export const runtimes: readonly string[] = ["deno", "bun", "node"];

/**
 * Our own peer on one runtime, which is installed from npm when the machine has none that is new enough.
 *
 * @throws {Error} When the runtime cannot be had: a scenario without it would prove less than it says.
 */
export async function ours(name: string): Promise<PeerKind> {
  const script = `${here}peer.ts`;
  switch (name) {
    case "deno":
      return {
        name: "deno",
        command: [Deno.execPath(), "run", "-A", "--quiet", script],
        outside: false,
      };
    case "bun":
      return { name: "bun", command: [await runtime("bun"), "run", script], outside: false };
    case "node":
      return {
        name: "node",
        command: [await runtime("node"), "--disable-warning=ExperimentalWarning", script],
        outside: false,
      };
    default:
      throw new RangeError(
        `Cannot run our peer as the runtime must be deno, bun or node: current value is ${name}`,
      );
  }
}

/**
 * Builds the Go peer of this folder.
 *
 * @throws {Error} When there is no Go tool chain, or the build fails.
 */
export async function go(): Promise<PeerKind> {
  const tool = await goTool();
  const built = await new Deno.Command(tool, {
    args: ["build", "-o", "peer", "."],
    cwd: `${here}go`,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!built.success) {
    throw new Error(`Cannot build the Go peer: ${new TextDecoder().decode(built.stderr)}`);
  }
  return { name: "go", command: [`${here}go/peer`], outside: false };
}

/** A peer that the caller brings, as `COMMAND` or `NAME=COMMAND`; without a name it is called as its program. */
export function outside(text: string): PeerKind {
  const named = /^([A-Za-z0-9_-]+)=(.+)$/.exec(text);
  const command = (named?.[2] ?? text).trim().split(/\s+/);
  const name = named?.[1] ?? command[0]!.replace(/^.*\//, "");
  if (name === "") throw new Error(`Cannot use a peer without a command: current value is ${text}`);
  return { name, command, outside: true };
}

/** The version that a kind's runtime reports. */
export async function versionOf(kind: PeerKind): Promise<string> {
  switch (kind.name) {
    case "deno":
      return `Deno ${Deno.version.deno}`;
    case "bun":
      return `Bun ${await firstLine(kind.command[0]!, "--version")}`;
    case "node":
      return `Node ${(await firstLine(kind.command[0]!, "--version")).replace(/^v/, "")}`;
    case "go": {
      const module = await Deno.readTextFile(`${here}go/go.mod`);
      const version = /hashicorp\/memberlist (\S+)/.exec(module)?.[1] ?? "";
      const go = await firstLine(await goTool(), "version");
      return `memberlist ${version}, ${go.replace(/^go version (\S+).*/, "$1")}`;
    }
    default:
      return "an outside peer";
  }
}

async function firstLine(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args, stdout: "piped" }).output();
  return new TextDecoder().decode(stdout).split("\n")[0]!.trim();
}

/**
 * The Go tool chain.
 *
 * @throws {Error} When there is none.
 */
export async function goTool(): Promise<string> {
  const candidates = [
    ...(Deno.env.get("PATH") ?? "").split(":").filter(Boolean).map((dir) => `${dir}/go`),
    "/usr/local/go/bin/go",
  ];
  for (const candidate of candidates) {
    try {
      if ((await Deno.stat(candidate)).isFile) return candidate;
    } catch {
      // Not here.
    }
  }
  throw new Error("Cannot build the Go peer without 'go': it is neither on PATH nor installed");
}
