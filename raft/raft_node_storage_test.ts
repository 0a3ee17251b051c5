import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { founders, Group, line, type MemberOptions } from "./_harness_nodes.ts";
import { ProposalError } from "./errors.ts";
import type { RaftNode } from "./raft_node.ts";

const abc = ["a", "b", "c"];
const founding: MemberOptions = { bootstrap: founders(abc) };

/** What a node refuses because of a storage, from now on. */
function refusals(node: RaftNode<number>): string[] {
  const heard: string[] = [];
  node.events.addEventListener("refused", ({ detail }) => {
    if (detail.reason === "storage") heard.push(detail.detail);
  });
  return heard;
}

/** A group whose leader committed `x` with one follower, while the other saw nothing of it. */
async function halfKnown() {
  const group = new Group();
  await group.found(abc);
  const leader = await group.leader();
  await group.time.value(leader.propose(line("before")));
  await group.agree(["before"]);
  const [near, far] = group.others(leader).map(({ id }) => id) as [string, string];
  group.isolate(far);
  await group.time.value(leader.propose(line("x")));
  await group.agree(["before", "x"], [leader.id, near]);
  return { group, leader, near, far };
}

describe("a member whose disk was wiped, under its old id", () => {
  it("elects nobody who lacks what it acknowledged, and the group has it in the end", async () => {
    const { group, leader, near, far } = await halfKnown();
    await group.stop(leader.id);
    await group.stop(near);
    group.wipe(near);
    // It founds the group anew, as it is told to: its first entry is that of the others.
    const wiped = await group.start(near, founding);
    const blind = group.node(far);
    group.heal(far);
    const heard = [refusals(wiped), refusals(blind)];
    await group.time.pass(3_000);
    for (const node of [wiped, blind]) {
      assertEquals(node.status.leader, undefined);
      assert(node.status.role !== "leader");
      assert((node.stats.refused["storage"] ?? 0) > 0);
    }
    for (const lines of heard) {
      assert(lines.some((one) => one.includes(`Member '${near}' comes with storage`)));
      assert(lines.every((one) => one.includes("Remedy: stop it, remove")));
    }
    await group.start(leader.id);
    const next = await group.leader([leader.id, far]);
    await group.time.value(next.propose(line("y")));
    await group.agree(["before", "x", "y"], [leader.id, far]);
    assertEquals(group.members.get(near)!.journal.lines, []);
    await group.close();
  });

  it("does not count for a majority of the leader that knows it, also after a restart", async () => {
    const { group, leader, near, far } = await halfKnown();
    await group.stop(near);
    group.wipe(near);
    const wiped = await group.start(near); // without being told to found anything
    const late = await group.time.settled(leader.propose(line("?"), { timeoutMs: 2_000 }));
    assertEquals((late.error as ProposalError).outcome, "unknown");
    assert((leader.stats.refused["storage"] ?? 0) > 0);
    assertEquals([wiped.status.leader, wiped.status.term], [undefined, 0], "it hears nobody");
    await group.stop(leader.id);
    await group.start(leader.id);
    await group.time.pass(3_000);
    assertEquals(group.nodes.filter(({ status }) => status.role === "leader"), []);
    group.heal(far);
    await group.time.value((await group.leader([leader.id, far])).propose(line("y")));
    await group.close();
  });

  it("is taken again once it was removed and added, by members that were away meanwhile too", async () => {
    const group = new Group();
    await group.found(abc);
    const leader = await group.leader();
    const [gone, away] = group.others(leader).map(({ id }) => id) as [string, string];
    await group.time.value(leader.propose(line("x")));
    await group.agree(["x"]);
    await group.stop(gone);
    group.wipe(gone);
    await group.time.value(leader.remove(gone));
    await group.time.value(leader.propose(line("y")));
    const node = await group.start(gone);
    await group.stop(away);
    // Now only the leader counts, and whoever it adds.
    await group.start(away);
    await group.leader();
    const adding = group.nodes.find(({ status }) => status.role === "leader")!;
    await group.time.value(adding.addLearner(gone, `${gone}:1`));
    await group.agree(["x", "y"]);
    await group.time.value(adding.promote(gone));
    assertEquals(node.stats.refused["storage"], undefined);
    // Its vote counts with the one that was away.
    await group.stop(leader.id);
    const next = await group.leader([gone, away]);
    await group.time.value(next.propose(line("z")));
    await group.agree(["x", "y", "z"], [gone, away]);
    await group.close();
  });
});
