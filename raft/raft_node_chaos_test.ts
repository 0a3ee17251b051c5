import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { founders, Group, line, type MemberOptions } from "./_harness_nodes.ts";
import { ProposalError } from "./errors.ts";

/** What became of a command. */
type Fate = { readonly place: number } | "not-proposed" | "dropped" | "unknown";

function prng(seed: number): () => number {
  let state = (seed * 0x9e37_79b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/**
 * Whole nodes under partitions, restarts, transfers and snapshots, while everybody proposes and reads.
 *
 * With `wipes`, a minority comes back with empty disks, under their old names and founding the group again, and callers try again with
 * their sessions what they know nothing of.
 */
async function play(seed: number, wipes = false): Promise<void> {
  const random = prng(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const ids = random() < 0.5 ? ["a", "b", "c"] : ["a", "b", "c", "d", "e"];
  const group = new Group();
  const options: MemberOptions = {
    bootstrap: founders(ids),
    forwardProposals: random() < 0.5,
    snapshotEntries: 10 + Math.floor(random() * 20),
    trailingEntries: Math.floor(random() * 5),
    maxBatchCommands: random() < 0.3 ? 1 : 100,
    timeoutMs: 800,
    enqueueTimeoutMs: 400,
  };
  const met = new Map<string, number>();
  const optionsOf = (id: string): MemberOptions => ({
    ...options,
    wrapLog: (log) => {
      const remember = log.remember.bind(log);
      log.remember = async (storages) => {
        await remember(storages);
        met.set(id, storages.length);
      };
      return log;
    },
  });
  for (const id of ids) await group.start(id, optionsOf(id));
  const wiped = new Set<string>();
  if (wipes) { // whoever never met a member cannot tell that it was wiped
    await group.time.until(
      "all have met",
      () => ids.every((id) => met.get(id) === ids.length - 1),
    );
  }

  const fates = new Map<string, Fate>();
  const acknowledged = new Set<string>();
  const calls = new Set<Promise<void>>();
  const faults: string[] = [];
  const track = (call: Promise<void>) => {
    const tracked = call.catch((error) => void faults.push(String(error))).finally(() =>
      calls.delete(tracked)
    );
    calls.add(tracked);
  };
  const propose = async (id: string, text: string) => {
    const session = wipes ? { client: `client ${text.length}`, sequence: Number(text) } : undefined;
    for (let tries = wipes ? 4 : 1; tries > 0; tries--) {
      try {
        const node = group.members.get(id)?.node ?? group.nodes[0]!;
        const { result } = await node.propose(line(text), { ...(session && { session }) });
        fates.set(text, { place: result });
        acknowledged.add(text);
        return;
      } catch (error) {
        assert(error instanceof ProposalError, String(error));
        // Of an earlier try, nothing more is known than before.
        if (fates.get(text) !== "unknown") fates.set(text, error.outcome);
        if (session !== undefined) id = pick(ids);
      }
    }
  };
  const read = async (id: string) => {
    const before = [...acknowledged];
    const node = group.node(id);
    const { journal } = group.members.get(id)!;
    try {
      await node.readIndex({ timeoutMs: 300 });
    } catch {
      return;
    }
    const { lines } = journal;
    for (const text of before) {
      if (!lines.includes(text)) faults.push(`${id} read without ${text}, which was acknowledged`);
    }
  };

  let number = 0;
  let isolated: readonly string[] = [];
  let stopped: string | undefined;
  for (let step = 0; step < 120; step++) {
    const running = ids.filter((id) => id !== stopped);
    const dice = random();
    if (dice < 0.6) {
      for (let n = Math.floor(random() * 4); n >= 0; n--) {
        track(propose(pick(running), `${++number}`));
      }
    } else if (dice < 0.75) track(read(pick(running)));
    else if (dice < 0.8) {
      for (const id of isolated) group.heal(id);
      isolated = random() < 0.3 ? [] : ids.filter(() => random() < 0.4);
      for (const id of isolated) group.isolate(id);
    } else if (dice < 0.85) {
      if (stopped === undefined) await group.stop(stopped = pick(ids));
      else {
        if (wipes && wiped.size < (ids.length - 1) / 2 && random() < 0.7) wiped.add(stopped);
        if (wiped.has(stopped)) group.wipe(stopped);
        await group.start(stopped, optionsOf(stopped));
        stopped = undefined;
      }
    } else if (dice < 0.88) {
      group.node(pick(running)).transferLeadership().catch(() => {});
    } else if (dice < 0.9) group.node(pick(running)).snapshot().catch(() => {});
    else if (dice < 0.92) group.node(pick(running)).campaign();
    await group.time.pass(Math.floor(random() * 40));
  }
  for (const id of isolated) group.heal(id);
  if (stopped !== undefined) await group.start(stopped, optionsOf(stopped));
  await group.time.until("all calls end", () => calls.size === 0);
  await group.time.pass(500); // a transfer under way ends
  const leader = await group.leader();
  await group.time.value(leader.barrier());
  const { lines } = group.members.get(leader.id)!.journal;
  await group.agree(lines, ids.filter((id) => !wiped.has(id)));
  for (const id of wiped) assertEquals(group.members.get(id)!.journal.lines, [], `${id} is nobody`);

  assertEquals(faults, []);
  assert(acknowledged.size > 10, `something was committed: ${acknowledged.size}`);
  assertEquals(new Set(lines).size, lines.length, "nothing is applied twice");
  for (const [text, fate] of fates) {
    if (typeof fate === "object") assertEquals(lines[fate.place - 1], text, `place of ${text}`);
    else if (fate !== "unknown") assert(!lines.includes(text), `${text} was ${fate} and is there`);
  }
  for (const node of group.nodes) assertEquals(node.failure, undefined);
  await group.close();
}

describe("RaftNode under faults", () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`keeps every promise (seed ${seed})`, () => play(seed));
  }
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`keeps every promise, wiped disks and retries included (seed ${seed})`, () =>
      play(seed, true));
  }
});
