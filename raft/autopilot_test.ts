import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { Clock } from "../membership/clock.ts";
import { Autopilot, type AutopilotRules, decide, type MemberHealth } from "./autopilot.ts";
import type { MemberChange } from "./contract.ts";
import type { ClusterConfig } from "./entry.ts";
import type { RaftNodeStatus } from "./node_status.ts";

const ids = ["a", "b", "c", "d", "e"];
const config = (voters: string[], learners: string[] = []): ClusterConfig => ({
  voters,
  votersOutgoing: [],
  learners,
  learnersNext: [],
  autoLeave: false,
  addresses: ids.map((id) => [id, `${id}:1`] as const),
});
const rules: AutopilotRules = { stabilizationMs: 10, deadAfterMs: 100, minVoters: 3 };
const well = (since = 0): MemberHealth => ({ healthy: true, since, heardAt: 1_000 });
const ill = (heardAt: number): MemberHealth => ({ healthy: false, since: heardAt, heardAt });
const decided = (
  over: ClusterConfig,
  health: Record<string, MemberHealth>,
  more: Partial<AutopilotRules> = {},
) =>
  decide(
    { self: "a", config: over, health: new Map(Object.entries(health)), now: 1_000 },
    { ...rules, ...more },
  );

describe("decide()", () => {
  it("gives a vote to a learner that was healthy for long enough", () => {
    const group = config(["a", "b", "c"], ["d"]);
    assertEquals(decided(group, { b: well(), c: well(), d: well(995) }), []);
    assertEquals(decided(group, { b: well(), c: well(), d: well(990) }), [
      { type: "addVoter", id: "d", address: "d:1" },
    ]);
    assertEquals(decided(group, { b: well(), c: well(), d: well() }, { mayVote: () => false }), []);
  });

  it("takes out the dead, but never below a majority of the living or the least number", () => {
    const four = config(["a", "b", "c", "d"]);
    assertEquals(decided(four, { b: well(), c: well(), d: ill(900) }), [{
      type: "remove",
      id: "d",
    }]);
    assertEquals(decided(four, { b: well(), c: well(), d: ill(901) }), []);
    assertEquals(decided(four, { b: well(), c: ill(0), d: ill(0) }), [], "half is no majority");
    assertEquals(decided(config(["a", "b", "c"]), { b: well(), c: ill(0) }), []);
    assertEquals(decided(config(["a", "b", "c"], ["d"]), { b: well(), c: well(), d: ill(0) }), [
      { type: "remove", id: "d" },
    ]);
  });

  it("has one voter a zone, and replaces one that is not well", () => {
    const zoneOf = (id: string) => ({ a: "1", b: "2", c: "3", d: "3" })[id];
    const group = config(["a", "b", "c"], ["d"]);
    assertEquals(decided(group, { b: well(), c: well(), d: well() }, { zoneOf }), []);
    assertEquals(decided(group, { b: well(), c: ill(999), d: well() }, { zoneOf }), [
      { type: "addVoter", id: "d", address: "d:1" },
      { type: "addLearner", id: "c", address: "c:1" },
    ]);
  });

  it("waits for the end of a joint phase", () => {
    const joint = { ...config(["a", "b", "c"], ["d"]), votersOutgoing: ["a", "b"] };
    assertEquals(decided(joint, { b: well(), c: well(), d: well() }), []);
  });
});

describe("Autopilot", () => {
  it("acts on the leader only, on the configuration that it saw", async () => {
    let now = 0;
    const clock: Clock = { now: () => now, setTimer: () => () => {} };
    const asked: { changes: readonly MemberChange[]; at: number | undefined }[] = [];
    const status = {
      id: "a",
      role: "leader",
      term: 2,
      config: config(["a", "b", "c"], ["d"]),
      configIndex: 7,
      configCommitted: true,
      commitIndex: 5_000,
      peers: ["b", "c", "d"].map((id) => ({
        id,
        state: "replicate",
        match: 4_500,
        next: 4_501,
        silentMs: 20,
        isDeparting: false,
      })),
    } as unknown as RaftNodeStatus;
    const node = {
      status,
      changeMembership: (
        changes: readonly MemberChange[],
        options?: { expectedConfigIndex?: number },
      ) => {
        asked.push({ changes, at: options?.expectedConfigIndex });
        return Promise.resolve(8);
      },
    };
    const autopilot = new Autopilot({ node, clock, stabilizationMs: 50 });
    await autopilot.look();
    now = 49;
    await autopilot.look();
    assertEquals(asked, []);
    now = 50;
    await autopilot.look();
    assertEquals(asked, [{
      changes: [{ type: "addVoter", id: "d", address: "d:1" }],
      at: 7,
    }]);
    node.status = { ...status, role: "follower" };
    await autopilot.look();
    assertEquals(autopilot.health.size, 0);
    await autopilot.close();
  });

  it("goes on when a callback throws, and says so", async () => {
    let fire = () => {};
    const clock: Clock = { now: () => 0, setTimer: (_ms, callback) => (fire = callback, () => {}) };
    const complaints: unknown[] = [];
    const quiet = { debug: () => {}, info: () => {}, warn: () => {} };
    const status = {
      id: "a",
      role: "leader",
      term: 2,
      config: config(["a", "b", "c"], ["d"]),
      configIndex: 7,
      configCommitted: true,
      commitIndex: 5,
      peers: [{ id: "d", match: 5, silentMs: 0, isDeparting: false }],
    } as unknown as RaftNodeStatus;
    let asked = 0;
    const autopilot = new Autopilot({
      node: { status, changeMembership: () => Promise.resolve(++asked) },
      clock,
      stabilizationMs: 0,
      onChange: () => {
        throw new Error("a fault of the caller's");
      },
      logger: { ...quiet, error: (_message, fields) => complaints.push(fields?.["error"]) },
    });
    for (let look = 1; look <= 2; look++) {
      const armed = fire;
      fire();
      while (fire === armed) await Promise.resolve();
      assertEquals([asked, complaints.length], [look, look]);
    }
    assert(String(complaints[0]).includes("the caller's"));
    await autopilot.close();
  });
});
