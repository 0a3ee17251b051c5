import { assert, assertEquals } from "@std/assert";
import { decodeHex } from "@std/encoding";
import { describe, it } from "node:test";
import type { GossipEffect } from "../strategy.ts";
import { alive, entry, Solo } from "./_harness_solo.ts";
import type { PushPull } from "./messages.ts";
import { generationTag } from "./generation.ts";
import { StreamCodec } from "./wire/stream.ts";

const NONE = new Uint8Array();

function pushPull(nodes: PushPull["nodes"], fields: Partial<PushPull> = {}): PushPull {
  return { type: "pushPull", join: false, nodes, userState: NONE, ...fields };
}

function solo(peers: number, options: ConstructorParameters<typeof Solo>[0] = {}): Solo {
  const it = new Solo(options);
  it.meet(peers);
  it.answering = true;
  return it;
}

const types = (effects: readonly GossipEffect[]) => effects.map(({ type }) => type);

describe("SwimCore accepting exchanges", () => {
  it("answers with its state before merging, without the joiner, the Join flag echoed (C-43)", () => {
    const it = solo(1);
    const effects = it.request(7, pushPull([entry("new", "10.0.2.1:80")], { join: true }));
    const answer = it.reply(effects);
    assert(answer.type === "pushPull");
    assertEquals([answer.join, answer.nodes.map(({ name }) => name).sort()], [true, ["me", "p1"]]);
    assertEquals(it.names, ["me", "p1"]);
    it.input({ type: "replied", exchange: 7, ok: true });
    assertEquals(it.names, ["me", "new", "p1"]);
  });

  it("merges nothing when the answer was not taken (C-54, T-22)", () => {
    const it = solo(1);
    it.request(7, pushPull([entry("new", "10.0.2.1:80")]));
    it.input({ type: "replied", exchange: 7, ok: false });
    it.input({ type: "replied", exchange: 7, ok: true });
    assertEquals(it.names, ["me", "p1"]);
  });

  it("tells self, alive, suspect, dead and left", () => {
    const it = solo(4);
    it.receive(
      { type: "suspect", node: "p2", incarnation: 1, from: "x" },
      { type: "dead", node: "p3", incarnation: 1, from: "x" },
      { type: "dead", node: "p4", incarnation: 1, from: "p4" },
    );
    const states = it.state().nodes.map(({ name, state }) => `${name}:${state}`).sort();
    assertEquals(states, ["me:0", "p1:0", "p2:1", "p3:2", "p4:3"]);
  });

  it("hangs up on a foreign label or none (C-44)", () => {
    const it = solo(0);
    for (const label of ["", "other", "pro", "prodd"]) {
      const bytes = new StreamCodec({ label, random: () => 0 }).seal(pushPull([]), { label: true });
      assertEquals(types(it.input({ type: "request", exchange: 1, bytes })), ["refused", "hangUp"]);
    }
    const bytes = decodeHex("f400");
    assertEquals(types(it.input({ type: "request", exchange: 1, bytes })), ["refused", "hangUp"]);
    assertEquals(new Set(it.refusals), new Set(["label"]));
  });

  it("acks a stream ping for itself, hangs up on one for another (C-45, C-46)", () => {
    const it = solo(0);
    const ping = (node: string) =>
      ({
        type: "ping",
        seqNo: 77,
        node,
        sourceAddr: NONE,
        sourcePort: 0,
        sourceNode: "",
      }) as const;
    for (const node of ["me", ""]) {
      assertEquals(it.reply(it.request(3, ping(node))), {
        type: "ack",
        seqNo: 77,
        payload: undefined,
      });
    }
    assertEquals(types(it.request(3, ping("other"))), ["refused", "hangUp"]);
  });

  it("takes a declaration over a stream, without an answer (C-47)", () => {
    const it = solo(1);
    const payload = decodeHex("12010183a84e6577537461746501a84e6f64654e616d65a27031a454696d6505");
    assertEquals(types(it.request(3, { type: "user", payload })).at(-2), "hangUp");
    assertEquals(it.core.peers[1]?.state, "participant");
  });

  const bad: readonly (readonly [string, string, "reply" | "hangUp"])[] = [
    ["an unknown type (C-48)", "ff", "hangUp"],
    ["something encrypted (C-49)", "0a0000000500", "reply"],
    ["a push/pull that is no msgpack (C-50)", "06c1", "hangUp"],
    ["an ack", "0282a75061796c6f6164c0a55365714e6f01", "hangUp"],
    ["an error", "0d81a54572726f72a3454f46", "hangUp"],
    ["-1 nodes (C-51)", "0683a44a6f696ec2a54e6f646573ffac5573657253746174654c656e00", "hangUp"],
    [
      "2000000 nodes (C-51)",
      "0683a44a6f696ec2a54e6f646573d2001e8480ac5573657253746174654c656e00",
      "hangUp",
    ],
    [
      "21 MiB of user state (C-51)",
      "0683a44a6f696ec2a54e6f64657300ac5573657253746174654c656ed201500000",
      "hangUp",
    ],
  ];
  for (const [what, hex, last] of bad) {
    it(`ends a stream with ${what} by ${last}`, () => {
      const it = solo(1);
      const bytes = decodeHex("f40470726f64" + hex);
      const effects = it.input({ type: "request", exchange: 1, bytes });
      assertEquals(types(effects).at(-1), last);
      assertEquals(types(effects).at(-2), "refused");
      if (last === "reply") assertEquals(it.reply(effects).type, "error");
      assertEquals(it.names, ["me", "p1"]);
    });
  }

  it("refuses a whole state with one node that speaks no version (C-52, C-53)", () => {
    for (
      const vsn of [[], [1, 5, 2], [1, 5, 0, 0, 0, 0], [1, 5, 2, 0, 0, 0, 0], [1, 5, 6, 0, 0, 0]]
    ) {
      for (const state of [0, 1, 2, 3]) {
        const it = solo(1);
        it.pushPull([
          entry("good", "10.0.2.1:80"),
          entry("bad", "10.0.2.2:80", { vsn: Uint8Array.from(vsn), state }),
        ], { currentTime: 9n, nodeStates: [] });
        assertEquals([it.names, it.refusals], [["me", "p1"], ["version"]]);
        assertEquals(it.core.stats.lamportTime, 0);
      }
    }
  });

  it("refuses a whole state whose range of versions excludes an own member", () => {
    const it = solo(1);
    it.pushPull([entry("new", "10.0.2.1:80", { vsn: Uint8Array.of(3, 5, 3, 0, 0, 0) })]);
    assertEquals([it.names, it.refusals], [["me", "p1"], ["version"]]);
  });

  it("merges the nodes although the user state is broken", () => {
    const it = solo(0);
    it.request(1, pushPull([entry("new", "10.0.2.1:80")], { userState: Uint8Array.of(0xc1) }));
    it.input({ type: "replied", exchange: 1, ok: true });
    assertEquals([it.names, it.refusals], [["me", "new"], ["decode"]]);
  });

  it("has at most 127 push/pulls under way, and hangs up on more", () => {
    const it = solo(0);
    for (let i = 0; i < 127; i++) assertEquals(types(it.request(i, pushPull([]))), ["reply"]);
    assertEquals(types(it.request(127, pushPull([]))), ["refused", "hangUp"]);
    it.input({ type: "replied", exchange: 5, ok: true });
    assertEquals(types(it.request(128, pushPull([]))), ["reply"]);
    it.now += 2001;
    assertEquals(types(it.request(129, pushPull([]))).at(-1), "reply");
  });
});

describe("SwimCore joining", () => {
  const join = (it: Solo, addresses: readonly string[], operation = 1) =>
    it.input({ type: "join", operation, addresses })
      .filter((effect) => effect.type === "exchange");
  const answer = (it: Solo, exchange: number, nodes: PushPull["nodes"]) =>
    it.input({
      type: "response",
      exchange,
      bytes: it.streams.seal(pushPull(nodes, { join: true }), { label: false }),
    });

  it("tells its state with the Join flag, and merges the answer (C-41)", () => {
    const it = solo(0);
    const [exchange] = join(it, ["10.0.2.1:80"]);
    assertEquals([exchange?.to, exchange?.timeoutMs], ["10.0.2.1:80", 2000]);
    const told = it.streams.open(exchange!.bytes, { label: true });
    assert(told.type === "pushPull" && told.join);
    assertEquals(told.nodes.map(({ name }) => name), ["me"]);
    answer(it, exchange!.exchange, [entry("seed", "10.0.2.1:80"), entry("x", "10.0.2.2:80")]);
    assertEquals(it.of("done"), [{ type: "done", operation: 1, count: 1 }]);
    assertEquals(it.names, ["me", "seed", "x"]);
  });

  it("dials five at a time, each address once, itself never", () => {
    const it = solo(0);
    const seeds = Array.from({ length: 7 }, (_, i) => `10.0.2.${i + 1}:80`);
    const first = join(it, ["10.0.0.1:8080", ...seeds, ...seeds]);
    assertEquals(first.map(({ to }) => to), seeds.slice(0, 5));
    for (const { exchange } of first) answer(it, exchange, []);
    const rest = it.of("exchange").slice(5);
    assertEquals(rest.map(({ to }) => to), seeds.slice(5));
    it.input({ type: "exchangeFailed", exchange: rest[0]!.exchange, reason: "refused" });
    assertEquals(it.of("done"), []);
    answer(it, rest[1]!.exchange, []);
    assertEquals(it.of("done"), [{ type: "done", operation: 1, count: 6 }]);
  });

  it("is done with none where there is nobody to join", () => {
    const it = solo(0);
    assertEquals(join(it, []), []);
    assertEquals(join(it, ["10.0.0.1:8080"], 2), []);
    assertEquals(it.of("done").map(({ operation, count }) => [operation, count]), [[1, 0], [2, 0]]);
  });

  it("fails with the reasons where nobody answers, also with another error (C-56)", () => {
    const it = solo(0);
    const [a, b, c] = join(it, ["host:80", "10.0.2.1:80", "10.0.2.2:80", "10.0.2.3:80"]);
    it.input({ type: "exchangeFailed", exchange: a!.exchange, reason: "timed out" });
    it.input({
      type: "response",
      exchange: b!.exchange,
      bytes: decodeHex("0d81a54572726f72a3454f46"),
    });
    answer(it, c!.exchange, [entry("bad", "10.0.2.3:80", { vsn: NONE })]);
    const [failed] = it.of("failed");
    assertEquals([failed?.operation, failed?.cause], [1, "unreachable"]);
    for (
      const reason of [
        "host:80: not an IP address",
        "10.0.2.1:80: timed out",
        "10.0.2.2:80: remote error: EOF",
        "10.0.2.3:80: bad speaks protocol version 0",
      ]
    ) assert(failed?.error.includes(reason), `${reason} in ${failed?.error}`);
  });

  it("does not believe an answer with a label (T-08), nor one twice", () => {
    const it = solo(0);
    const [exchange] = join(it, ["10.0.2.1:80"]);
    const bytes = it.streams.seal(pushPull([entry("x", "10.0.2.2:80")]), { label: true });
    it.input({ type: "response", exchange: exchange!.exchange, bytes });
    assertEquals([it.of("failed").length, it.names], [1, ["me"]]);
    answer(it, exchange!.exchange, [entry("x", "10.0.2.2:80")]);
    assertEquals(it.names, ["me"]);
  });
});

describe("SwimCore push/pulls", () => {
  it("go to an alive node every 30 s, without the Join flag (C-55)", () => {
    const it = solo(3);
    it.receive({ type: "dead", node: "p1", incarnation: 1, from: "x" });
    it.receive({ type: "suspect", node: "p2", incarnation: 1, from: "x" });
    it.run(200_000);
    const mine = it.of("exchange");
    // Unanswered ones do not hold up the next.
    assert(mine.length >= 6 && mine.length <= 7, `${mine.length}`);
    assert(mine.every(({ to }) => to !== "10.0.1.1:8080"));
    const told = it.streams.open(mine[0]!.bytes, { label: true });
    assert(told.type === "pushPull" && !told.join);
  });

  it("slow down as the cluster grows, and are off at 0", () => {
    const it = solo(40);
    it.run(600_000);
    const count = it.of("exchange").length;
    assert(count >= 9 && count <= 11, `${count}`);
    const off = solo(3, { pushPullIntervalMs: 0 });
    off.run(300_000);
    assertEquals(off.of("exchange"), []);
  });

  it("carry the metadata of others unchanged", () => {
    const it = solo(0);
    const meta = generationTag(12);
    it.receive(alive("x", "10.0.2.1:80", { meta }));
    assertEquals(it.record("x")?.meta, meta);
    assertEquals(it.record("me")?.meta, undefined);
    assertEquals(new Solo({ announceGeneration: true }).record("me")?.meta, generationTag(5));
  });
});
