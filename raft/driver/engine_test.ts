import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { founders, Group, line, wrapped } from "../_harness_nodes.ts";
import { ProposalError } from "../errors.ts";
import type { LogStore } from "../log_store.ts";
import { RaftTransport } from "../transport.ts";
import type { Forwarded } from "../wire/proposal_codec.ts";
import { encodeCommand } from "./command.ts";

const abc = ["a", "b", "c"];

/** Somebody who has only the transport of a node, and hands commands on. */
function asker(group: Group, id: string, to: string) {
  const heard: Forwarded[] = [];
  const told = new Set<string>();
  const transport = new RaftTransport({
    transport: group.transport(`${id}:1`),
    clock: group.time,
    random: () => 0.5,
    cluster: "test",
    id,
    address: `${id}:1`,
    limits: { minBackoffMs: 5, maxBackoffMs: 20 },
    handlers: {
      message: ({ type }) => told.add(type),
      forwarded: (_, forwarded) => heard.push(forwarded),
      snapshot: () => Promise.reject(new Error("none is wanted")),
      snapshotTaken: () => {},
      unreachable: () => {},
      admit: () => Promise.resolve(undefined),
      refused: () => {},
      full: () => false,
    },
  });
  transport.serve();
  transport.members(new Map([[to, `${to}:1`]]));
  let request = 0;
  const ask = (text: string) => {
    const data = encodeCommand(line(text), { client: id, sequence: ++request });
    transport.forward(to, { type: "propose", request, data });
  };
  return { heard, told, ask, transport };
}

async function refused<T>(group: Group, promise: Promise<T>): Promise<readonly string[]> {
  const { error } = await group.time.settled(promise);
  assert(error instanceof ProposalError, `a ProposalError: current value is ${error}`);
  return [error.outcome, error.reason];
}

describe("Engine", () => {
  it("appends nothing that somebody hands on who is no member", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    const refusals: string[] = [];
    leader.events.addEventListener("refused", ({ detail }) => refusals.push(detail.reason));
    const { heard, ask, transport } = asker(group, "stranger", leader.id);
    ask("x");
    await group.time.until("it is answered", () => heard.length > 0);
    assertEquals(heard, [{
      type: "proposeReply",
      request: 1,
      reason: "notLeader",
      leader: leader.id,
    }]);
    assertEquals(refusals, ["forwarded"]);
    await group.time.value(leader.propose(line("y")));
    await group.agree(["y"]);
    await transport.close();
    await group.close();
  });

  it("refuses a command that is too large by itself, and not what came with it", async () => {
    const group = new Group();
    const options = {
      bootstrap: founders(abc),
      maxCommandBytes: 100,
      transportLimits: { minBackoffMs: 5, maxBackoffMs: 20, maxEntryBytes: 100_000 },
    };
    for (const id of ["a", "b"]) await group.start(id, options);
    const leader = await group.leader();
    const { heard, told, ask, transport } = asker(group, "c", leader.id);
    await group.time.until("the leader has a stream to it", () => told.has("heartbeat"));
    ask("x");
    ask("y".repeat(1_000));
    ask("z");
    await group.agree(["x", "z"], ["a", "b"]);
    await group.time.until("it is answered", () => heard.length > 0);
    assertEquals(heard, [{
      type: "proposeReply",
      request: 2,
      reason: "tooLarge",
      leader: leader.id,
    }]);
    await transport.close();
    await group.close();
  });

  it("does not know what became of its proposals that a snapshot takes the place of", async () => {
    const group = new Group();
    await group.found(abc, { snapshotEntries: 5, trailingEntries: 0 });
    const old = await group.leader();
    await group.time.value(old.propose(line("x")));
    group.isolate(old.id);
    const lost = old.propose(line("lost"), { timeoutMs: 50_000 });
    lost.catch(() => {});
    await group.time.until("it stands in the own log", () => old.status.lastIndex >= 4);
    const leader = await group.leader(abc.filter((id) => id !== old.id));
    for (let i = 0; i < 20; i++) await group.time.value(leader.propose(line(`${i}`)));
    await group.time.until("its log is cut", () => leader.stats.log.firstIndex > 10);
    const before = group.time.now();
    group.heal(old.id);
    assertEquals(await refused(group, lost), ["unknown", "snapshot"]);
    assert(group.time.now() - before < 10_000);
    await group.close();
  });

  it("does not apply twice what it handed on, where a snapshot hides that it was applied and the group forgot it", async () => {
    const group = new Group();
    let cut: string | undefined;
    const wrapLog = (log: LogStore): LogStore =>
      wrapped(log, {
        persist: (effect) => {
          // Whoever writes the command first leads, and the asker does not hear of it.
          if (cut !== undefined && effect.entries.length > 0) group.isolate(cut);
          return log.persist(effect);
        },
      });
    const options = { forwardProposals: true, wrapLog, snapshotEntries: 50, trailingEntries: 0 };
    await group.found(abc, options);
    const leader = await group.leader();
    const [asked, other] = group.others(leader);
    await group.time.value(asked!.propose(line("w")));
    cut = asked!.id;
    const pending = asked!.propose(line("x"), { enqueueTimeoutMs: 50_000, timeoutMs: 50_000 });
    pending.catch(() => {});
    const lines = (id: string) => group.members.get(id)!.journal.lines;
    await group.time.until("x is applied", () => lines(other!.id).includes("x"));
    cut = undefined;
    // More clients than are remembered.
    const strangers = Array.from(
      { length: 4_200 },
      (_, i) => leader.propose(line("s"), { session: { client: `client ${i}`, sequence: 1 } }),
    );
    await group.time.value(Promise.all(strangers));
    await group.time.until("its log is cut", () => leader.stats.log.firstIndex > 4_000);
    assertEquals(lines(asked!.id), ["w"]);
    group.heal(asked!.id);
    assertEquals(await refused(group, pending), ["unknown", "sessionExpired"]);
    assertEquals(lines(asked!.id).filter((text) => text === "x").length, 1);
    await group.close();
  });
});
