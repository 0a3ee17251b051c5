/**
 * What every gossip protocol owes the driver, whatever its rules: one suite, run by each of them. A protocol that keeps a criterion in
 * another way says so, with the reason; it is then tested for nothing there that it does not promise.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { GossipCore, GossipEffect, GossipInput, GossipStrategy } from "./strategy.ts";
import { prng, World, type WorldNode } from "./swim/_harness.ts";

/** What a protocol keeps in another way, and why. */
export type Deviation =
  /** Halves that were parted for ten minutes find each other again by themselves. */
  | "parted halves heal without a join"
  /** A restart with the same name and an older generation wins in the end. */
  | "restart without a newer generation";

/** Options of {@link conformance}. */
export interface ConformanceOptions {
  /** The protocol, with settings under which a crash is found within `crashMs`. */
  readonly strategy: GossipStrategy;
  /** Limit until a crash is known to all of eight nodes, in milliseconds. */
  readonly crashMs: number;
  /** Limit until a joined node, a state or a goodbye is known to all of eight nodes. */
  readonly newsMs: number;
  /** Criteria kept in another way, each with the reason. */
  readonly deviations: Readonly<Partial<Record<Deviation, string>>>;
  /** Packets and requests of nodes of this protocol, of any cluster. */
  readonly seeds?: readonly Uint8Array[];
}

/** Seven or so virtual minutes: Bun gives a test five seconds unless told otherwise. */
const LONG = { timeout: 120_000 };

function names(nodes: readonly WorldNode[]): readonly string[] {
  return nodes.map(({ name }) => name);
}

/** Runs the suite. */
export function conformance(options: ConformanceOptions): void {
  const { strategy, crashMs, newsMs, deviations } = options;
  const world = (seed: number): World => new World({ seed, strategy });
  const create = (seed = 1): GossipCore =>
    strategy.create({
      name: "me",
      address: "10.0.0.1:8080",
      clusterName: "test",
      generation: 1000,
      random: prng(seed),
      now: 0,
    });
  const deviates = (criterion: Deviation): boolean => deviations[criterion] !== undefined;

  describe(`${strategy.name}: conformance`, () => {
    for (const [criterion, reason] of Object.entries(deviations)) {
      it(`${criterion}: kept in another way, as ${reason}`, () => assert(reason.length > 10));
    }

    it("a new node sees itself with the first step, as a viewer", () => {
      const core = create();
      assertEquals(core.deadline, 0);
      const [effect] = core.step({ type: "timeout" }, 0).filter(({ type }) => type === "peers");
      const me = { name: "me", addr: "10.0.0.1:8080", self: true, state: "viewer" as const };
      assertEquals(effect, { type: "peers", peers: [me] });
      assertEquals([core.state, core.stats.alive], ["viewer", 1]);
    });

    it("a timeout before the deadline does nothing", () => {
      const core = create();
      core.step({ type: "timeout" }, 0);
      const { deadline } = core;
      assert(deadline > 0);
      assertEquals(core.step({ type: "timeout" }, deadline - 1), []);
      assertEquals(core.deadline, deadline);
    });

    it("the deadline never goes back, and lies ahead after a timeout, however late", () => {
      const core = create();
      const random = prng(7);
      let before = 0;
      let now = 0;
      for (let i = 0; i < 300; i++) {
        const late = random() < 0.1 ? random() * 60_000 : random() * 3;
        now = Math.max(now, core.deadline === Infinity ? now + 1 : core.deadline) + late;
        core.step({ type: "timeout" }, now);
        assert(core.deadline > now && core.deadline >= before);
        before = core.deadline;
      }
    });

    it(
      "joins: all see all, sorted by name and frozen, and the view comes only when it changed",
      LONG,
      () => {
        const w = world(1);
        const nodes = w.form(8);
        for (const { core, peers } of nodes) {
          assertEquals(peers, core.peers);
          assert(Object.isFrozen(peers) && peers.every((peer) => Object.isFrozen(peer)));
          assertEquals(peers.map(({ name }) => name), [...names(nodes)].sort());
          assertEquals(peers.filter(({ self }) => self).length, 1);
        }
        const before = nodes.map(({ peers }) => peers);
        w.run(crashMs);
        for (const [i, { peers }] of nodes.entries()) assert(peers === before[i], "the same again");
        assert(nodes.every(({ lost }) => lost.length === 0), "nobody was lost meanwhile");
      },
    );

    it("a join says how many answered, and fails when none does", LONG, () => {
      const w = world(2);
      const [a, b] = [w.add("a"), w.add("b")];
      const well = w.join(b, [a.address, "10.9.9.9:1"]);
      const ill = w.join(b, ["10.9.9.8:1", "10.9.9.9:1"]);
      w.run(30_000);
      const done = b.outcomes.get(well);
      assertEquals([done?.type, done?.type === "done" && done.count], ["done", 1]);
      const failed = b.outcomes.get(ill);
      assertEquals([failed?.type, failed?.type === "failed" && failed.cause], [
        "failed",
        "unreachable",
      ]);
    });

    it("states go forward only, and reach all", LONG, () => {
      const w = world(3);
      const nodes = w.form(8);
      const one = nodes[3]!;
      const illegal = w.changeState(one, "terminating");
      assertEquals(one.outcomes.get(illegal)?.type, "failed");
      assertEquals(one.core.state, "viewer");
      for (const state of ["participant", "terminating"] as const) {
        const operation = w.changeState(one, state);
        assertEquals(one.core.state, state);
        w.until(() => w.see(nodes, one.name, state), newsMs, state);
        w.until(() => one.outcomes.has(operation), newsMs, "the operation ends");
        assertEquals(one.outcomes.get(operation)?.type, "done");
      }
      for (const state of ["viewer", "participant", "terminating"] as const) {
        assertEquals(one.outcomes.get(w.changeState(one, state))?.type, "failed");
      }
      const late = w.add("late");
      w.join(late, [nodes[0]!.address]);
      w.until(() => w.see([late], one.name, "terminating"), newsMs, "a newcomer sees it, too");
      const alone = w.add("alone");
      assertEquals(alone.outcomes.get(w.changeState(alone, "participant"))?.type, "done");
    });

    it("a leave is told: nobody takes it for a crash, and nobody sees the node again", LONG, () => {
      const w = world(4);
      const nodes = w.form(8);
      const leaver = nodes[2]!;
      const operation = w.leave(leaver);
      w.until(() => leaver.outcomes.has(operation), 10_000, "the leave ends");
      assertEquals(leaver.outcomes.get(operation)?.type, "done");
      const rest = nodes.filter((node) => node !== leaver);
      w.until(() => w.agree(rest, names(rest)), newsMs, "all know");
      w.run(1000);
      w.crash(leaver);
      w.run(crashMs);
      assert(w.agree(rest, names(rest)));
      assertEquals(rest.map(({ lost }) => lost.length), rest.map(() => 1));
    });

    it("a crash is found by all", LONG, () => {
      const w = world(5);
      const nodes = w.form(8);
      const victim = nodes[6]!;
      w.crash(victim);
      const rest = nodes.filter((node) => node !== victim);
      w.until(() => w.agree(rest, names(rest)), crashMs, "all know");
      w.run(crashMs);
      assert(w.agree(rest, names(rest)));
    });

    it(
      "a restart with a newer generation at another address takes the name over at once",
      LONG,
      () => {
        const w = world(6);
        const nodes = w.form(8);
        const old = nodes[4]!;
        w.changeState(old, "participant");
        w.until(() => w.see(nodes, old.name, "participant"), newsMs, "participant");
        w.crash(old);
        const young = w.add(old.name);
        w.join(young, [nodes[0]!.address]);
        const all = [...nodes.filter((node) => node !== old), young];
        const known = ({ peers }: WorldNode): boolean =>
          peers.some((peer) =>
            peer.name === old.name && peer.addr === young.address && peer.state === "viewer"
          );
        w.until(() => all.every(known), newsMs, "the new address is known");
        w.run(crashMs);
        assert(all.every(known));
        assertEquals(all.flatMap(({ conflicts }) => conflicts), []);
      },
    );

    if (!deviates("restart without a newer generation")) {
      it("a restart with an older generation is believed in the end", LONG, () => {
        const w = world(7);
        const nodes = w.form(6);
        const old = nodes[4]!;
        w.crash(old);
        const again = w.add(old.name, { generation: 1_600_000_000_000 });
        w.join(again, [nodes[0]!.address]);
        const all = [...nodes.filter((node) => node !== old), again];
        w.until(
          () => all.every(({ peers }) => peers.some(({ addr }) => addr === again.address)),
          crashMs,
          "the new address is known",
        );
      });
    }

    if (!deviates("parted halves heal without a join")) {
      it("halves that were parted for ten minutes heal without a join", LONG, () => {
        const w = world(12);
        const nodes = w.form(8);
        const [left, right] = [nodes.slice(0, 3), nodes.slice(3)];
        w.partition(left, right);
        w.until(
          () => w.agree(left, names(left)) && w.agree(right, names(right)),
          2 * crashMs,
          "parted",
        );
        w.run(600_000);
        w.heal();
        w.until(() => w.agree(nodes, names(nodes)), 2 * newsMs, "healed");
      });
    }

    it("another cluster's traffic changes nothing", LONG, () => {
      const w = world(8);
      const ours = w.form(3);
      const theirs = w.add("x", { clusterName: "other" });
      const operation = w.join(theirs, [ours[0]!.address]);
      w.run(newsMs);
      assertEquals(theirs.outcomes.get(operation)?.type, "failed");
      assert(w.agree(ours, names(ours)));
      assertEquals(theirs.core.peers.map(({ name }) => name), ["x"]);
      const refused = [...ours, theirs].map(({ refusals }) => refusals.get("label") ?? 0);
      assert(refused.some((count) => count > 0));
    });

    it("hostile bytes are refused: no throw, and nothing changes", () => {
      const random = prng(9);
      const core = create();
      core.step({ type: "timeout" }, 0);
      const { peers, stats, state } = core;
      const recorded = [...packetsOf(strategy), ...options.seeds ?? []];
      for (let i = 0; i < 3000; i++) {
        const seed = recorded[Math.floor(random() * recorded.length)]!;
        const bytes = i % 3 === 0
          ? Uint8Array.from({ length: random() * 60 }, () => random() * 256)
          : mangled(seed, random);
        const type = random() < 0.7 ? "packet" as const : "request" as const;
        const input: GossipInput = type === "packet"
          ? { type, bytes }
          : { type, exchange: i, bytes };
        const effects = core.step(input, 0);
        const refused = effects.some((effect) => effect.type === "refused");
        assert(refused, `input ${i} was not refused: ${[...bytes]}`);
        if (type === "request") {
          const ended = effects.some((effect) =>
            effect.type === "hangUp" || effect.type === "reply"
          );
          assert(ended, "the exchange is left open");
        }
      }
      assertEquals([core.peers, core.stats, core.state], [peers, stats, state]);
    });

    it("answers to exchanges that nobody began are ignored", () => {
      const core = create();
      core.step({ type: "timeout" }, 0);
      for (const exchange of [0, 1, 77]) {
        const bytes = new Uint8Array(3);
        assertEquals(changes(core.step({ type: "response", exchange, bytes }, 1)), []);
        assertEquals(
          changes(core.step({ type: "exchangeFailed", exchange, reason: "x" }, 1)),
          [],
        );
        assertEquals(changes(core.step({ type: "replied", exchange, ok: true }, 1)), []);
      }
    });

    it("equal inputs, instants and random numbers have equal effects", LONG, () => {
      const run = (): string => {
        const w = world(10);
        const nodes = w.form(5);
        w.changeState(nodes[1]!, "participant");
        w.run(5000);
        w.crash(nodes[2]!);
        w.run(crashMs);
        return JSON.stringify(nodes.map((node) => [
          node.peers,
          node.bytesSent,
          node.packetsSent,
          node.steps,
          node.core.deadline,
          [...node.counters],
        ]));
      };
      assertEquals(run(), run());
    });

    it("after a sleep of the own process nobody else is held to be dead", LONG, () => {
      const w = world(11);
      const nodes = w.form(8);
      w.run(30_000);
      w.stall(nodes[0]!, 5000);
      w.run(5000 + crashMs);
      assert(w.agree(nodes, names(nodes)));
      const others = nodes[0]!.lost.filter(({ name }) => name !== nodes[0]!.name);
      assertEquals(others, []);
    });
  });
}

/** Effects that matter: what a protocol refuses or counts is its own business. */
function changes(effects: readonly GossipEffect[]): readonly GossipEffect[] {
  return effects.filter(({ type }) => type !== "refused" && type !== "counted");
}

/** What nodes of this protocol, in another cluster, send each other. */
function packetsOf(strategy: GossipStrategy): readonly Uint8Array[] {
  const sent: Uint8Array[] = [];
  const core = strategy.create({
    name: "other",
    address: "10.0.7.7:8080",
    clusterName: "elsewhere",
    generation: 5,
    random: prng(3),
    now: 0,
  });
  core.step({ type: "timeout" }, 0);
  const effects = core.step({ type: "join", operation: 1, addresses: ["10.0.7.8:8080"] }, 0);
  for (const effect of effects) if (effect.type === "exchange") sent.push(effect.bytes);
  return sent;
}

function mangled(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = bytes.slice(0, random() < 0.3 ? Math.floor(random() * bytes.length) : undefined);
  for (let i = 0; i < 3 && copy.length > 0; i++) {
    copy[Math.floor(random() * copy.length)]! ^= 1 << Math.floor(random() * 8);
  }
  return copy;
}
