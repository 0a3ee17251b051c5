// deno-lint-ignore-file no-console
/**
 * `deno task demo:raft [--once] [--history FILE]`: a replicated key-value store as three processes, one on Deno, one on Bun, one on Node 24.
 * Clients read and write all the time, while the leader is killed with SIGKILL, restarted, and another leader killed. At the end no
 * acknowledged write may be missing on any member, and the history must be linearizable. `--once` kills two leaders and ends; without it
 * leaders are killed until Ctrl-C.
 *
 * @module
 */
import { delay } from "@std/async";
import { parseArgs } from "node:util";
import { Member } from "../examples/raft-kv/cluster.ts";
import { Load } from "../examples/raft-kv/load.ts";
import {
  checkLinearizable,
  describeViolation,
  formatHistory,
  type HistoryEvent,
  operationsOf,
} from "../sim/linearizability/mod.ts";
import { freePorts } from "./free_ports.ts";
import { packages, rootFolder, runtime } from "./runtimes.ts";
import { help } from "./usage.ts";

help(import.meta.url);
const { once, history: historyFile } = parseArgs({
  args: Deno.args,
  options: { once: { type: "boolean", default: false }, history: { type: "string" } },
}).values;

await packages();
const script = `${rootFolder}examples/raft-kv/member.ts`;
const kinds = [
  { runtime: "deno", command: [Deno.execPath(), "run", "-A", "--no-check", script] },
  { runtime: "bun", command: [await runtime("bun"), script] },
  { runtime: "node", command: [await runtime("node"), script] },
];

const interrupted = new AbortController();
Deno.addSignalListener("SIGINT", () => interrupted.abort());
const began = performance.now();
let passed = 0;
function pass(what: string): void {
  passed++;
  console.log(`${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${what}`);
}

/** Asks until the answer is one; the story fails when it takes too long. */
async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  timeoutMs = 15_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    interrupted.signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    await delay(15);
  }
  throw new Error(`Nobody saw within ${timeoutMs} ms: ${what}`);
}

const directory = await Deno.makeTempDir({ prefix: "raft-kv-" });
const ports = freePorts(3);
const membersText = kinds.map(({ runtime }, i) => `${runtime}=127.0.0.1:${ports[i]}`).join(",");
const members = kinds.map((kind, i) =>
  new Member(kind, kind.runtime, `127.0.0.1:${ports[i]}`, [
    "--members",
    membersText,
    "--dir",
    `${directory}/${kind.runtime}`,
    "--snapshot-entries",
    "1000",
  ])
);

/** The member that leads in the latest term. */
async function leader(after = 0): Promise<{ member: Member; term: number } | undefined> {
  const found = [];
  for (const member of members.filter(({ running }) => running)) {
    const status = await member.status();
    if (status?.role === "leader" && status.term > after) found.push({ member, term: status.term });
  }
  return found.sort((a, b) => b.term - a.term)[0];
}

const load = new Load({ addrs: members.map(({ addr }) => addr), clients: 9, keys: 12, pauseMs: 4 });

async function killLeader(): Promise<void> {
  const old = await until("a leader", () => leader());
  const from = performance.now();
  await old.member.kill();
  const next = await until(`a leader after term ${old.term}`, () => leader(old.term));
  const electedMs = performance.now() - from;
  await until(
    "a write acknowledged by it",
    () => Promise.resolve(load.acknowledgedAt > from + electedMs ? true : undefined),
  );
  const writtenMs = load.acknowledgedAt - from;
  pass(
    `killed the leader on ${old.member.runtime} (term ${old.term}): ${next.member.runtime} leads ` +
      `in term ${next.term} after ${electedMs.toFixed(0)} ms, writes go on after ${
        writtenMs.toFixed(0)
      } ms`,
  );
  await delay(500);
  old.member.start();
  const target = (await until("the leader", () => next.member.status())).commitIndex;
  const status = await until(`${old.member.id} to catch up`, async () => {
    const status = await old.member.status();
    return status !== undefined && status.appliedIndex >= target ? status : undefined;
  });
  pass(`restarted ${old.member.runtime}: it has applied ${status.appliedIndex} entries again`);
}

async function check(): Promise<void> {
  await load.stop();
  const index = (await until("the leader", () => leader().then((one) => one?.member.status())))
    .commitIndex;
  for (const member of members) {
    await until(`${member.id} to apply ${index}`, async () => {
      const status = await member.status();
      return status !== undefined && status.appliedIndex >= index ? true : undefined;
    });
    for (const [key, value] of load.ledger) {
      const { value: found } = await (await fetch(`http://${member.addr}/kv/${key}?stale=1`))
        .json();
      if (found !== value) {
        throw new Error(
          `${member.id} lost an acknowledged write: ${key} is ${found}, not ${value}`,
        );
      }
    }
  }
  pass(
    `no acknowledged write is lost: ${load.ledger.size} keys written once are on all three members, ` +
      `of ${load.acknowledged} writes acknowledged`,
  );
  const verdict = checkLinearizable(operationsOf(load.history as readonly HistoryEvent[]));
  if (verdict.verdict !== "linearizable") {
    throw new Error(
      `The history is not linearizable (${verdict.verdict})\n` +
        verdict.violations.map(describeViolation).join("\n"),
    );
  }
  const counts = [...verdict.operations].map(([kind, count]) => `${count} ${kind}`).join(", ");
  pass(`the history is linearizable: ${counts}, ${verdict.unknown} without an answer`);
}

async function play(): Promise<void> {
  for (const member of members) member.start();
  const first = await until("a leader", () => leader(), 20_000);
  pass(`three members on three runtimes; ${first.member.runtime} leads in term ${first.term}`);
  load.start();
  await until("100 writes", () => Promise.resolve(load.acknowledged >= 100 ? true : undefined));
  const follower = members.find((member) => member !== first.member)!;
  const read = await fetch(`http://${follower.addr}/kv/k0`);
  if (read.status !== 200) throw new Error(`A follower answered a read with ${read.status}`);
  await read.body?.cancel();
  pass(`${load.acknowledged} writes acknowledged; ${follower.runtime} serves linearizable reads`);
  for (let round = 0; round < 2 || !once; round++) {
    await delay(1_000, { signal: interrupted.signal });
    await killLeader();
  }
}

let failure: unknown;
try {
  try {
    await play();
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    for (const member of members) if (!member.running) member.start();
  }
  await check();
} catch (error) {
  failure = error;
}
await load.stop();
if (historyFile !== undefined) {
  await Deno.writeTextFile(historyFile, formatHistory(load.history as readonly HistoryEvent[]));
}
if (failure !== undefined) {
  console.error(failure);
  for (const { id, complaints } of members) if (complaints) console.error(`${id}: ${complaints}`);
}
for (const member of members) await member.stop();
await Deno.remove(directory, { recursive: true });
console.log(`\ndemo:raft: ${passed} passed, ${failure === undefined ? 0 : 1} failed`);
Deno.exit(failure === undefined ? 0 : 1);
