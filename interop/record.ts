/**
 * Writes down what a run saw.
 *
 * @module
 */
import { type PeerKind, versionOf } from "./kinds.ts";
import type { Scenario } from "./scenario.ts";

/** How a scenario ended. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly passed: boolean;
  /** What was seen, or what was wrong. May have lines of its own after the first. */
  readonly seen: string;
  readonly seconds: number;
}

/** What {@link record} writes. */
export interface Run {
  readonly outcomes: readonly Outcome[];
  readonly kinds: readonly PeerKind[];
  /** As it was typed, without paths. */
  readonly command: string;
}

const heading = `# What mixed clusters did

Written by \`deno task interop --record\`, newest first. "Go" is \`interop/go\` (hashicorp/memberlist, unmodified, in our own transport), or
the outside peer that the command names.
`;

/** Puts a run on top of RESULTS.md. */
export async function record(run: Run): Promise<void> {
  const file = new URL("RESULTS.md", import.meta.url);
  let earlier = "";
  try {
    earlier = (await Deno.readTextFile(file)).slice(heading.length);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.writeTextFile(file, heading + await section(run) + earlier);
}

async function section(run: Run): Promise<string> {
  const passed = run.outcomes.filter((one) => one.passed).length;
  const versions = await Promise.all(
    run.kinds.map(async (kind) => `${kind.name}: ${await versionOf(kind)}`),
  );
  const rows = run.outcomes.map((one) =>
    `| ${one.scenario.name} | ${one.passed ? "passed" : "**failed**"} | ${
      one.seconds.toFixed(1)
    } s | ${one.seen.split("\n")[0]} |`
  );
  const more = run.outcomes.flatMap((one) => {
    const rest = one.seen.split("\n").slice(1).join("\n");
    return one.passed && rest !== "" ? [`\n### ${one.scenario.name}\n\n${rest}`] : [];
  });
  return `
## ${new Date().toISOString().slice(0, 10)}: ${passed} passed, ${
    run.outcomes.length - passed
  } failed

- command: \`${run.command.trim()}\`
- peers: ${versions.join("; ")}
- machine: ${await machine()}

| scenario | result | time | seen |
| --- | --- | --- | --- |
${rows.join("\n")}
${more.join("\n")}`.trimEnd() + "\n";
}

async function machine(): Promise<string> {
  const cpu = /model name\s*: (.*)/.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ??
    "unknown";
  const memory = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  return `${navigator.hardwareConcurrency} cores of ${cpu}, ${memory} GiB, Linux ${
    Deno.osRelease().split("-")[0]
  }`;
}
