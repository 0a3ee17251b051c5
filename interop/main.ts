/**
 * Runs mixed clusters of real processes: Go nodes and ours, on three runtimes, and tells which stories came true.
 *
 * ```sh
 * deno task interop [--peer [NAME=]COMMAND]… [--scenario NAME]… [--seconds N] [--seed N] [--record] [--list]
 * ```
 *
 * @module
 */
import { parseArgs } from "node:util";
import { Cluster } from "./cluster.ts";
import { idle } from "./idle.ts";
import { go, ours, outside, type PeerKind, runtimes } from "./kinds.ts";
import { fromFileUrl } from "./paths.ts";
import { Ports } from "./ports.ts";
import { type Outcome, record } from "./record.ts";
import type { Lab, Scenario } from "./scenario.ts";
import { churn } from "./scenarios/churn.ts";
import { crash } from "./scenarios/crash.ts";
import { formGoSeed, formOurSeed } from "./scenarios/form.ts";
import { label } from "./scenarios/label.ts";
import { leave } from "./scenarios/leave.ts";
import { manners } from "./scenarios/manners.ts";
import { many } from "./scenarios/many.ts";
import { restartCrashed, restartLeft } from "./scenarios/restart.ts";
import { soak } from "./scenarios/soak.ts";
import { states } from "./scenarios/states.ts";
import { tls } from "./scenarios/tls.ts";
import { packages } from "../tasks/runtimes.ts";
import { seeded } from "./seeded.ts";

/** Those that wait longest come first; the largest alone, at the end. */
const scenarios: readonly Scenario[] = [
  restartCrashed,
  crash,
  formGoSeed,
  formOurSeed,
  states,
  leave,
  restartLeft,
  label,
  tls,
  manners,
  churn,
  many,
  soak,
  idle,
];

/** How many processes run beside each other, over all scenarios. */
const processBudget = 44;

const help = `deno task interop [OPTION]...
  --scenario NAME        play only this one; may be repeated
  --list                 list the scenarios
  --peer [NAME=]COMMAND  stands where a scenario says "Go"; may be repeated, "go" is the one of this folder
  --runtime NAME         run ours only on deno, bun or node; may be repeated
  --seconds N            how long the churn or the soak goes on, or the idle cluster is measured (180, 60, 60)
  --nodes N              how many nodes idle (151)
  --seed N               repeats a run's choices
  --record               write RESULTS.md`;

async function main(args: string[]): Promise<number> {
  const { values: flags } = parseArgs({
    args,
    options: {
      scenario: { type: "string", multiple: true },
      peer: { type: "string", multiple: true },
      runtime: { type: "string", multiple: true },
      seconds: { type: "string" },
      nodes: { type: "string", default: "151" },
      seed: { type: "string" },
      record: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (flags.help) return say(help), 0;
  if (flags.list) {
    for (const one of scenarios) {
      say(`${one.name.padEnd(16)} ${one.about}${one.byHand ? " (only when named)" : ""}`);
    }
    return 0;
  }
  const chosen = scenarios.filter((one) =>
    flags.scenario === undefined ? one.byHand !== true : flags.scenario.includes(one.name)
  );
  const unknown = flags.scenario?.find((name) => !scenarios.some((one) => one.name === name));
  if (unknown !== undefined) {
    throw new RangeError(
      `Cannot play as there is no such scenario (see --list): current value is ${unknown}`,
    );
  }
  const seed = flags.seed === undefined
    ? crypto.getRandomValues(new Uint32Array(1))[0]!
    : whole("seed", flags.seed);
  const seconds = flags.seconds === undefined ? undefined : whole("seconds", flags.seconds);
  const idleNodes = whole("nodes", flags.nodes);

  const goKinds: PeerKind[] = [];
  for (const text of flags.peer ?? ["go"]) goKinds.push(text === "go" ? await go() : outside(text));
  // One after the other: two installations at once would undo each other.
  const ourKinds: PeerKind[] = [];
  for (const name of flags.runtime ?? runtimes) ourKinds.push(await ours(name));
  await packages();
  const ports = new Ports(seeded(Deno.pid));
  say(`seed ${seed}; Go: ${names(goKinds)}; ours: ${names(ourKinds)}`);

  const open = new Set<Cluster>();
  const deferred = new Set<() => Promise<void>>();
  const interrupted = async () => {
    await Promise.allSettled([...open].map((cluster) => cluster.close()));
    await Promise.allSettled([...deferred].map((cleanup) => cleanup()));
    Deno.exit(130);
  };
  Deno.addSignalListener("SIGINT", interrupted);
  Deno.addSignalListener("SIGTERM", interrupted);

  const play = async (scenario: Scenario): Promise<Outcome> => {
    const mine: Cluster[] = [];
    const cleanups: (() => Promise<void>)[] = [];
    const lab: Lab = {
      go: (turn) => goKinds[turn % goKinds.length]!,
      ours: ourKinds,
      random: seeded(seed),
      seconds,
      idleNodes,
      tls: {
        cert: fixture("node.pem"),
        key: fixture("node-key.pem"),
        ca: fixture("ca.pem"),
      },
      defer: (cleanup) => {
        cleanups.push(cleanup);
        deferred.add(cleanup);
      },
      cluster: (options) => {
        const cluster = new Cluster({ ports, seed, ...options });
        mine.push(cluster);
        open.add(cluster);
        return cluster;
      },
    };
    const began = performance.now();
    let outcome: Omit<Outcome, "seconds">;
    try {
      outcome = { scenario, passed: true, seen: await scenario.run(lab) };
    } catch (error) {
      outcome = { scenario, passed: false, seen: (error as Error).message };
    }
    outcome = lateness(outcome, mine);
    const repeated = mine.reduce((sum, cluster) => sum + cluster.repeatedJoins, 0);
    if (repeated > 0) {
      outcome = annotated(outcome, `${repeated} joins repeated after a timeout`);
    }
    await Promise.all(mine.map((cluster) => cluster.close()));
    for (const cluster of mine) open.delete(cluster);
    for (const cleanup of cleanups) {
      deferred.delete(cleanup);
      await cleanup();
    }
    const tookS = (performance.now() - began) / 1_000;
    say(
      `${outcome.passed ? "ok  " : "FAIL"} ${scenario.name.padEnd(16)} ${
        tookS.toFixed(1).padStart(6)
      } s  ${outcome.seen}`,
    );
    return { ...outcome, seconds: tookS };
  };

  const outcomes = await playBesideEachOther(chosen, play);
  Deno.removeSignalListener("SIGINT", interrupted);
  Deno.removeSignalListener("SIGTERM", interrupted);
  const failed = outcomes.filter((one) => !one.passed).length;
  if (flags.record) {
    await record({
      outcomes,
      kinds: [...goKinds, ...ourKinds],
      command: `deno task interop ${
        args.map((arg, i) => args[i - 1] === "--peer" && arg !== "go" ? outside(arg).name : arg)
          .join(" ")
      }`,
    });
  }
  say(`interop: ${outcomes.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Plays in order, as many at a time as the budget of processes allows. */
async function playBesideEachOther(
  chosen: readonly Scenario[],
  play: (scenario: Scenario) => Promise<Outcome>,
): Promise<Outcome[]> {
  const outcomes: Promise<Outcome>[] = [];
  const running = new Set<Promise<unknown>>();
  let used = 0;
  for (const scenario of chosen) {
    const cost = Math.min(scenario.processes, processBudget);
    while (used > 0 && used + cost > processBudget) await Promise.race(running);
    used += cost;
    const playing = play(scenario);
    outcomes.push(playing);
    const ended = playing.finally(() => {
      used -= cost;
      running.delete(ended);
    });
    running.add(ended);
  }
  return await Promise.all(outcomes);
}

/** Notes how often gossip missed somebody. More often than chance explains is a fault. */
function lateness(
  outcome: Omit<Outcome, "seconds">,
  clusters: readonly Cluster[],
): Omit<Outcome, "seconds"> {
  let [late, timely] = [0, 0];
  for (const cluster of clusters) {
    late += cluster.late.late;
    timely += cluster.late.timely;
  }
  if (late === 0) return outcome;
  const noted = annotated(
    outcome,
    `${late} of ${late + timely} agreements waited for an exchange of states`,
  );
  return late > Math.max(3, (late + timely) / 3) ? { ...noted, passed: false } : noted;
}

function annotated(
  outcome: Omit<Outcome, "seconds">,
  note: string,
): Omit<Outcome, "seconds"> {
  const [first, ...rest] = outcome.seen.split("\n");
  return { ...outcome, seen: [`${first}; ${note}`, ...rest].join("\n") };
}

function fixture(name: string): string {
  return fromFileUrl(new URL(`../testdata/tls/${name}`, import.meta.url));
}

function names(kinds: readonly PeerKind[]): string {
  return kinds.map((kind) => kind.name).join(", ");
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

/** @throws {RangeError} When it is none: a churn of NaN seconds would end before it began. */
function whole(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new RangeError(
    `Cannot run as '--${name}' must be a whole number: current value is ${text}`,
  );
}

/** Whether the command line is at fault, as opposed to a node or a scenario. */
function isMisuse(error: unknown): error is Error {
  return error instanceof RangeError ||
    String((error as { code?: unknown }).code).startsWith("ERR_PARSE_ARGS");
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    if (!isMisuse(error)) throw error;
    say(`${error.message}\n\n${help}`);
    Deno.exit(2);
  }
}
