import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { prng } from "./_harness.ts";
import { CollectedNames } from "./collected.ts";
import { ALIVE, DEAD, type Member } from "./member.ts";
import { MemberTable } from "./member_table.ts";

function member(name: string, fields: Partial<Member> = {}): Member {
  return {
    name,
    addr: new Uint8Array(4),
    port: 1,
    address: "0.0.0.0:1",
    otherMeta: undefined,
    generation: 1,
    vsn: new Uint8Array(6),
    incarnation: 3,
    state: ALIVE,
    changedAt: 0,
    formerIncarnation: -1,
    suspicion: undefined,
    index: 0,
    ...fields,
  };
}

function table(count: number): MemberTable {
  const members = new MemberTable(prng(count));
  for (let i = 0; i < count; i++) members.insert(member(`n${i}`));
  return members;
}

describe("MemberTable", () => {
  it("keeps list, index, names and counts in step", () => {
    const members = table(20);
    for (let i = 0; i < 20; i += 3) members.remove(members.named(`n${i}`)!);
    members.turn(members.named("n1")!, DEAD, 5);
    members.shuffle();
    assertEquals([members.size, members.count(ALIVE), members.count(DEAD)], [13, 12, 1]);
    members.list.forEach((each, i) => assertEquals(each.index, i));
    assertEquals(new Set(members.list).size, 13);
    assertEquals(members.named("n0"), undefined);
  });

  it("pick() finds every wanted member of a small table", () => {
    const members = table(5);
    for (let i = 0; i < 50; i++) {
      const picked = members.pick(3, ({ name }) => name !== "n0" && name !== "n1");
      assertEquals(picked.map(({ name }) => name).sort(), ["n2", "n3", "n4"]);
    }
  });

  it("pick() draws different, wanted members of a large table, each about equally often", () => {
    const members = table(50);
    const seen = new Map<string, number>();
    for (let i = 0; i < 5000; i++) {
      const picked = members.pick(3, ({ name }) => name !== "n7");
      assertEquals(new Set(picked).size, 3);
      for (const { name } of picked) seen.set(name, (seen.get(name) ?? 0) + 1);
    }
    assertEquals(seen.size, 49);
    // 306 expected; six standard deviations are 105.
    for (const [name, times] of seen) assert(times > 200 && times < 411, `${name}: ${times}`);
  });

  it("pick() is empty where nobody is wanted", () => {
    assertEquals(table(30).pick(3, () => false), []);
  });
});

describe("CollectedNames", () => {
  const judge = (
    names: CollectedNames,
    news: readonly [number | undefined, number],
    now: number,
  ) =>
    names.judge({ name: "x", generation: news[0], incarnation: news[1] }, {
      now,
      askEveryMs: 100,
    });

  it("admits unknown names, newer generations and higher incarnations", () => {
    const names = new CollectedNames(1000, 10);
    assertEquals(judge(names, [1, 1], 0), "admit");
    names.remember(member("x"), 0);
    assertEquals(judge(names, [2, 1], 1), "admit");
    names.remember(member("x"), 0);
    assertEquals(judge(names, [1, 4], 1), "admit");
    assertEquals(names.size, 0);
  });

  it("asks once in a while about the collected incarnation and about older generations", () => {
    const names = new CollectedNames(1000, 10);
    names.remember(member("x"), 0);
    assertEquals(
      [judge(names, [1, 3], 1), judge(names, [1, 3], 2), judge(names, [0, 9], 2)],
      ["ask", "stale", "stale"],
    );
    // A twin with a newer generation was seen here alone: the older one may be the one that lives on.
    assertEquals(judge(names, [0, 9], 101), "ask");
    assertEquals(judge(names, [0, 9], 102), "stale");
    names.remember(member("x"), 0);
    assertEquals([judge(names, [1, 2], 101), judge(names, [undefined, 1], 101)], ["ask", "admit"]);
  });

  it("forgets after its time, and the oldest beyond its bound", () => {
    const names = new CollectedNames(1000, 3);
    names.remember(member("x"), 0);
    assertEquals(judge(names, [1, 1], 1000), "admit");
    for (let i = 0; i < 5; i++) names.remember(member(i === 0 ? "x" : `y${i}`), 0);
    assertEquals([names.size, judge(names, [1, 1], 1)], [3, "admit"]);
  });

  it("does not remember lives without a generation", () => {
    const names = new CollectedNames(1000, 3);
    names.remember(member("x", { generation: undefined }), 0);
    assertEquals(names.size, 0);
  });
});
