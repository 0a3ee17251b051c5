import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { Group, line, type MemberOptions } from "./_harness_nodes.ts";
import { ReadError } from "./errors.ts";
import type { RaftNode } from "./raft_node.ts";

const T = 100;

/** A group of three that leads, has committed a line, and was left alone for a while. */
async function calm(options: MemberOptions): Promise<{ group: Group; leader: RaftNode<number> }> {
  const group = new Group();
  await group.found(["a", "b", "c"], { electionTimeoutMs: T, heartbeatIntervalMs: 10, ...options });
  const leader = await group.leader();
  await group.time.value(leader.propose(line("x")));
  await group.time.pass(300);
  return { group, leader };
}

/** For how long a leader that hears nobody any more goes on answering reads, in milliseconds of its clock. */
async function answersFor(group: Group, leader: RaftNode<number>): Promise<number> {
  group.isolate(leader.id);
  const from = group.time.now();
  for (let last = 0;; last = group.time.now() - from) {
    const { error } = await group.time.settled(leader.readIndex({ timeoutMs: 1 }));
    if (error !== undefined) {
      assert(error instanceof ReadError, `${error}`);
      return last;
    }
    await group.time.pass(1);
  }
}

describe("RaftNode with lease reads", () => {
  it("needs to be asked for: without it a leader answers nobody alone", async () => {
    const { group, leader } = await calm({});
    assertEquals(await answersFor(group, leader), 0);
    await group.close();
  });

  it("a leader answers alone for an election timeout less the drift, and no longer", async () => {
    for (const [maxClockDrift, lastsMs] of [[undefined, 90], [0.5, 50], [0, 100]] as const) {
      const { group, leader } = await calm({
        leaseReads: true,
        ...(maxClockDrift !== undefined && { maxClockDrift }),
      });
      const answered = await answersFor(group, leader);
      // A lease counts from the last heartbeat that was answered, at most an interval ago.
      assert(answered < lastsMs && answered >= lastsMs - 15, `${answered} ms of ${lastsMs}`);
      await group.close();
    }
  });

  it("a leader that is cut off reads nothing old: another one commits only after its lease", async () => {
    const { group, leader } = await calm({ leaseReads: true });
    const [one, other] = group.others(leader);
    group.isolate(leader.id);
    const from = group.time.now();
    one!.forgetLeader();
    other!.forgetLeader();
    let lastRead = 0;
    let committedAt = 0;
    while (committedAt === 0) {
      const { error } = await group.time.settled(leader.readIndex({ timeoutMs: 1 }));
      const now = group.time.now() - from;
      assert(now < 1000, "nobody else leads");
      if (error === undefined) lastRead = now;
      // A round of pre-votes takes less than what a new one lets it have.
      one!.campaign();
      await group.time.pass(2);
      if (one!.status.role === "leader" && one!.status.commitIndex > 3) committedAt = now;
    }
    assert(lastRead > 60, `the leader read until ${lastRead} ms`);
    assert(committedAt > lastRead, `committed after ${committedAt} ms, read at ${lastRead}`);
    assert(
      committedAt < 2 * T,
      "who campaigns all the time leads as soon as the promises are over",
    );
    await group.close();
  });

  it("followers read by the leader's lease, and everybody sees what was committed before", async () => {
    const { group, leader } = await calm({ leaseReads: true });
    const [one, other] = group.others(leader);
    group.isolate(other!.id);
    const { index } = await group.time.value(leader.propose(line("y")));
    assert(await group.time.value(one!.readIndex()) >= index);
    assertEquals(group.members.get(one!.id)!.journal.lines, ["x", "y"]);
    await group.close();
  });

  it("verifyLeader() asks the others all the same", async () => {
    const { group, leader } = await calm({ leaseReads: true });
    await group.time.value(leader.verifyLeader());
    group.isolate(leader.id);
    const both = Promise.all([
      group.time.settled(leader.verifyLeader({ timeoutMs: 20 })),
      group.time.settled(leader.readIndex({ timeoutMs: 20 })),
    ]);
    const [verified, read] = await both;
    assert(verified.error instanceof ReadError);
    assertEquals(read.error, undefined, "the lease still holds");
    await group.close();
  });

  it("a transfer that was begun ends the lease, whether or not anybody takes over", async () => {
    const { group, leader } = await calm({ leaseReads: true });
    const [successor] = group.others(leader);
    const word = group.time.settled(leader.transferLeadership(successor!.id, { timeoutMs: 5 }));
    group.isolate(leader.id);
    const { error } = await group.time.settled(leader.readIndex({ timeoutMs: 1 }));
    assert(error instanceof ReadError, "the successor may have been told");
    await word;
    await group.close();
  });

  it("refuses what cannot hold", async () => {
    const group = new Group();
    let opened = 0;
    const open = (options: MemberOptions) => group.start(`n${++opened}`, options);
    await assertRejects(() => open({ leaseReads: 1 as never }), TypeError, "'leaseReads'");
    for (const maxClockDrift of [-0.1, 1, NaN]) {
      await assertRejects(
        () => open({ leaseReads: true, maxClockDrift }),
        RangeError,
        "'maxClockDrift' must be 0 to below 1",
      );
    }
    await assertRejects(() => open({ maxClockDrift: 0.1 }), RangeError, "'leaseReads'");
    await assertRejects(
      () => open({ leaseReads: true, maxClockDrift: 0.9 }),
      RangeError,
      "a lease outlasts a heartbeat",
    );
    await group.close();
  });
});
