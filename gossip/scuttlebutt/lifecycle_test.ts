import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { addressOf, block, entry, listed, Solo, source, words } from "./_harness.ts";
import { FaultWorld } from "./_harness_world.ts";
import type { Packet } from "./messages.ts";
import type { ScuttlebuttEvent } from "./mod.ts";

function eventsOf(solo: Solo): readonly string[] {
  return words(solo.of("event").map(({ event }) => event as ScuttlebuttEvent));
}

function wants([packet]: readonly Packet[]): readonly string[] {
  if (packet?.type !== "synAck") return [];
  return packet.digest.filter(({ want }) => want).map(({ id }) => id);
}

/** Some seconds of work on a busy machine: Bun gives a test five unless told otherwise. */
const LONG = { timeout: 120_000 };

describe("lifecycle", () => {
  it("37: a node that left is removed, and neither a digest nor a delta brings it back", () => {
    const solo = new Solo();
    solo.delta(block("b", [entry("k", "v", 1), entry("_internal:left", "", 2)]));
    assertEquals(eventsOf(solo), ["join b", "upsertKey b k=v", "leave b"]);
    solo.syn([listed("b", 2, { left: true })], { known: 9 });
    assertEquals(eventsOf(solo), []);
    solo.run(66_000);
    assertEquals(eventsOf(solo), ["expired b"]);
    assertEquals(solo.core.node("b"), undefined);
    const later = { heartbeat: 1000 };
    for (const left of [true, false]) {
      assertEquals(wants(solo.syn([listed("b", 2, { ...later, left })], { known: 9 })), []);
    }
    assertEquals(solo.delta(block("b", [entry("k", "v", 1)], later)), []);
    assertEquals(solo.core.node("b"), undefined);
    // Another life is another matter.
    assertEquals(words(solo.delta(block("b", [], { generation: 2 }))), ["join b"]);
  });

  it("37: who left before it was known is not learnt of", () => {
    const solo = new Solo();
    assertEquals(solo.delta(block("b", [], { left: true })), []);
    assertEquals(solo.delta(block("b", [], { down: true })), []);
    assertEquals(wants(solo.syn([listed("b", 1, { left: true })], { known: 9 })), []);
    assertEquals(wants(solo.syn([listed("b", 1, { down: true })], { known: 9 })), []);
    assertEquals(solo.core.nodes().length, 1);
  });

  it("the unknowing are not taught of those that are down or left", () => {
    const solo = new Solo();
    solo.delta(
      block("b", [entry("k", "v", 1)]),
      block("c", [entry("_internal:left", "", 1)]),
      block("d", [entry("k", "v", 1)]),
    );
    // Each page tells of one of three others, so that silence counts for less.
    for (let heartbeat = 2; heartbeat < 70; heartbeat++) {
      solo.run(500);
      solo.syn([listed("d", 1, { heartbeat })], { known: 9 });
    }
    assertEquals(solo.core.nodes().map(({ id, down, left }) => [id, down, left]), [
      ["a", false, false],
      ["b", true, false],
      ["c", false, true],
      ["d", false, false],
    ]);
    const taught = ([packet]: readonly Packet[]): readonly string[] =>
      packet?.type === "synAck" ? packet.delta.map(({ id }) => id) : [];
    assertEquals(taught(solo.syn([listed("z", 1)])), ["a", "d"]);
    const want = { want: true, heartbeat: 0 };
    assertEquals(
      taught(solo.syn([listed("b", 0, want), listed("c", 0, want)], { known: 9 })),
      [],
    );
    // Those who list that life already are told the rest.
    assertEquals(taught(solo.syn([listed("b", 0), listed("c", 0)], { known: 9 })), ["b", "c"]);
  });

  it("a record halfway to its removal is neither listed nor served", () => {
    const solo = new Solo();
    solo.delta(block("b", [entry("k", "v", 1)]));
    const lists = (): boolean => {
      const [packet] = solo.syn([listed("b", 0)], { known: 9 });
      assert(packet?.type === "synAck");
      const served = packet.delta.some(({ id }) => id === "b");
      assertEquals(packet.digest.some(({ id }) => id === "b"), served);
      return served;
    };
    solo.run(25_000);
    assert(solo.core.node("b")!.down && lists());
    solo.run(450_000);
    assert(!lists());
    assert(solo.core.node("b") !== undefined);
    solo.run(460_000);
    assertEquals(solo.core.node("b"), undefined);
  });

  it("38: a crash is down and expired once at every survivor, and never joins again", LONG, () => {
    // Scaled down: the least expiry allowed at this interval, and four times as long afterwards.
    const w = new FaultWorld({ seed: 38, settings: { downExpiryMs: 160_000 }, checks: false });
    const nodes = w.form(12);
    w.run(5000);
    const victim = nodes[5]!;
    w.crash(victim);
    w.run(800_000);
    for (const node of nodes.filter((one) => one !== victim)) {
      const about = words(node.events.filter(({ id }) => id === victim.id));
      assertEquals(about, [`join ${victim.id}`, `down ${victim.id}`, `expired ${victim.id}`]);
      assertEquals(node.core.nodes().length, 11);
      assertEquals(node.core.scuttlebuttStats.graves, 1);
    }
    w.check();
  });

  it("39: a node that was parted past its expiry joins again by a greater heartbeat", LONG, () => {
    const w = new FaultWorld({ seed: 39, settings: { downExpiryMs: 160_000 }, checks: false });
    const nodes = w.form(8);
    const [alone, ...others] = nodes;
    alone!.core.upsertLocal("k", "v", w.now);
    w.run(5000);
    w.part([alone!], others);
    // Of those, each believes that the other is the isolated one until most are gone.
    w.run(400_000);
    for (const { core } of others) assertEquals(core.node(alone!.id), undefined);
    w.heal();
    w.run(120_000);
    for (const node of others) {
      assertEquals(node.core.node(alone!.id)?.down, false);
      const about = words(node.events.filter(({ id }) => id === alone!.id));
      assertEquals(about.slice(-3), [
        `expired ${alone!.id}`,
        `join ${alone!.id}`,
        `upsertKey ${alone!.id} k=v`,
      ]);
    }
    w.check();
  });

  it("40: a newer life of a name has the keys that it writes, and no others", LONG, () => {
    const w = new FaultWorld({ seed: 40 });
    const nodes = w.form(8);
    const old = nodes[3]!;
    old.core.upsertLocal("old", "1", w.now);
    old.core.upsertLocal("both", "1", w.now);
    w.run(10_000);
    w.crash(old);
    const young = w.add(old.id, { generation: old.core.localNode.generation + 1 });
    young.core.upsertLocal("both", "2", w.now);
    w.join(young, [nodes[0]!]);
    w.run(10_000);
    for (const { core } of nodes.filter((one) => one !== old)) {
      const { entries, addr } = core.node(old.id)!;
      assertEquals(entries.map(({ key, value }) => [key, value]), [["both", "2"]]);
      assertEquals(addr, young.address);
    }
    w.check();
  });

  it("41: a claim on the own id is outbid at once, three times a minute", () => {
    const solo = new Solo({ generation: 10 });
    solo.upsert("k", "v");
    const claim = (generation: number): readonly ScuttlebuttEvent[] => {
      solo.syn([listed("a", 1, { generation })], { known: 9 });
      return solo.events;
    };
    assertEquals(claim(15), [{ type: "conflict", id: "a", generation: 16, persistent: false }]);
    assertEquals(solo.held("a"), ["k=v@1"]);
    assertEquals(claim(15), []);
    assertEquals(claim(20).length + claim(30).length, 2);
    assertEquals(claim(40), [{ type: "conflict", id: "a", generation: 31, persistent: true }]);
    assertEquals(claim(50), []);
    solo.now += 61_000;
    assertEquals(claim(50), [{ type: "conflict", id: "a", generation: 51, persistent: false }]);
  });

  it("41: one who lives on in the shadow of a later life, which was removed, is told of it", () => {
    const solo = new Solo();
    solo.delta(block("b", [entry("k", "v", 1), entry("_internal:left", "", 2)], { generation: 9 }));
    solo.run(66_000);
    assertEquals(solo.core.node("b"), undefined);
    const asked = (generation: number, from: string): readonly (readonly [string, number])[] => {
      const answer = solo.syn([listed("b", 1, { generation })], {
        known: 9,
        source: source(from),
      })[0];
      if (answer?.type !== "synAck") return [];
      return answer.digest.filter(({ want }) => want).map((one) => [one.id, one.generation]);
    };
    assertEquals(asked(7, "b"), [["b", 9]]);
    // Others are not to blame for what they repeat.
    assertEquals(asked(7, "c"), []);
    assertEquals(asked(10, "b"), [["b", 10]]);
  });

  it("41: one of the same generation elsewhere is shown the address that is held", () => {
    const solo = new Solo();
    solo.delta(block("b", [entry("k", "v", 1)], { addr: "10.0.0.77:7000" }));
    const shown = (addr: string): readonly string[] => {
      const answer = solo.syn([listed("b", 1)], { known: 9, source: { ...source("b"), addr } })[0];
      return answer?.type === "synAck" ? answer.delta.map(({ id, addr }) => `${id} ${addr}`) : [];
    };
    assertEquals(shown("10.0.0.78:7000"), ["b 10.0.0.77:7000"]);
    assertEquals(shown("10.0.0.77:7000"), []);
  });

  it("41: a wish for a later life of the own id is outbid, as any claim", () => {
    const solo = new Solo({ generation: 7 });
    const wish = { generation: 9, heartbeat: 0, want: true };
    solo.syn([listed("a", 0, wish)], { known: 9 });
    assertEquals(solo.events, [{ type: "conflict", id: "a", generation: 10, persistent: false }]);
    solo.syn([listed("a", 0, wish)], { known: 9 });
    assertEquals(solo.events, []);
  });

  it("41: so is one with a version or heartbeat that was never issued, or from elsewhere", () => {
    const solo = new Solo({ generation: 10 });
    solo.syn([listed("a", 1, { generation: 10, heartbeat: 0 })], { known: 9 });
    assertEquals(solo.core.localNode.generation, 11);
    solo.syn([listed("a", 0, { generation: 11, heartbeat: 99 })], { known: 9 });
    assertEquals(solo.core.localNode.generation, 12);
    solo.syn([], { source: source("a", { generation: 12, addr: addressOf("q") }) });
    assertEquals(solo.core.localNode.generation, 13);
    assertEquals(solo.of("conflict"), [
      { type: "conflict", name: "a", known: addressOf("a"), claimed: addressOf("q") },
    ]);
    assertEquals(solo.sent, []);
  });

  it("41: the greatest generation cannot be outbid, and stops nothing", () => {
    const solo = new Solo({ generation: 10 });
    solo.syn([listed("a", 1, { generation: 2 ** 53 - 1 })], { known: 9 });
    assertEquals(solo.events, [
      { type: "conflict", id: "a", generation: 10, persistent: true },
    ]);
    assertEquals(solo.sent.map(({ type }) => type), ["synAck"]);
  });

  it("41: a delta about the own id that holds more than was ever written is outbid, too", () => {
    const solo = new Solo({ generation: 3 });
    solo.upsert("k", "1");
    assertEquals(solo.delta(block("a", [entry("k", "2", 1)], { generation: 2 })), []);
    const events = solo.delta(block("a", [entry("k", "2", 9)], { generation: 3, heartbeat: 0 }));
    assertEquals(events.map(({ type }) => type), ["conflict"]);
    assertEquals(solo.core.localNode.generation, 4);
    assertEquals(solo.held("a"), ["k=1@1"]);
  });

  it("only so many of the removed are remembered, the latest", () => {
    const solo = new Solo({ maxGraves: 2, leftExpiryMs: 1000 });
    for (const id of ["b", "c", "d"]) {
      solo.delta(block(id, []));
      solo.delta(block(id, [entry("_internal:left", "", 1)], { heartbeat: 2 }));
      solo.run(12_000);
      assertEquals(solo.core.node(id), undefined);
    }
    assertEquals(solo.core.scuttlebuttStats.graves, 2);
    assertEquals(words(solo.delta(block("b", []), block("c", []), block("d", []))), ["join b"]);
  });

  it("who is down is greeted by turns, and nobody who left: what heals a mutual suspicion", () => {
    const solo = new Solo();
    solo.delta(block("b", []), block("c", []));
    solo.delta(block("c", [entry("_internal:left", "", 1)], { heartbeat: 2 }));
    solo.run(25_000);
    assert(solo.core.node("b")!.down);
    const greeted = solo.run(5000).flatMap((effect) => effect.type === "send" ? [effect.to] : []);
    assert(greeted.length >= 4 && greeted.length <= 10, `${greeted.length}`);
    assertEquals([...new Set(greeted)], [addressOf("b")]);
  });

  it("once a minute there is a whole exchange with a peer that is up, or never if so wished", () => {
    for (const [syncIntervalMs, least, most] of [[60_000, 4, 5], [0, 0, 0]] as const) {
      const solo = new Solo({ syncIntervalMs });
      solo.delta(block("b", []));
      let syncs = 0;
      for (let second = 1; second <= 330; second++) {
        const effects = solo.run(1000);
        for (const effect of effects) {
          if (effect.type !== "exchange") continue;
          assertEquals(effect.to, addressOf("b"));
          syncs++;
          const { exchange } = effect;
          solo.step({ type: "exchangeFailed", exchange, reason: "" });
        }
        solo.syn([listed("b", 0, { heartbeat: second + 1 })]);
      }
      assert(syncs >= least && syncs <= most, `${syncs}`);
    }
  });

  it("42: while most are down, nobody expires", () => {
    const solo = new Solo();
    const ids = [..."bcdefghijk"];
    solo.delta(...ids.map((id) => block(id, [])));
    let heartbeat = 1;
    const live = (ids: readonly string[], ms: number): readonly string[] => {
      const seen: string[] = [];
      for (let passed = 0; passed < ms; passed += 5000) {
        solo.run(5000);
        seen.push(...eventsOf(solo));
        heartbeat++;
        solo.syn(ids.map((id) => listed(id, 0, { heartbeat })), { known: 99 });
      }
      return seen;
    };
    const downs = live([..."hijk"], 1_000_000);
    assertEquals(downs, [..."bcdefg"].map((id) => `down ${id}`));
    const after = live([..."ghijk"], 20_000);
    assertEquals(after, ["up g", ...[..."bcdef"].map((id) => `expired ${id}`)]);
  });

  it("42: … for three more expiries at most", () => {
    const solo = new Solo({ downExpiryMs: 160_000 });
    solo.delta(...[..."bcdef"].map((id) => block(id, [])));
    const count = (ms: number): number => {
      const effects = solo.run(ms);
      return effects.filter((one) => one.type === "event" && one.event.type === "expired").length;
    };
    assertEquals([count(20_500 + 630_000), count(20_000)], [0, 5]);
  });
});
