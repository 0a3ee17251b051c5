import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { addressOf, block, entry, LABEL, Solo, source, TAG } from "./_harness.ts";
import type { StreamMessage } from "./messages.ts";
import { encodeStream } from "./wire/codec.ts";

function replyFrom(id: string, label = LABEL): StreamMessage {
  const prefix = { source: source(id), known: 1, exchange: 1 };
  return { type: "joinReply", ...prefix, label, last: true, delta: [block(id, [])] };
}

function ackFrom(id: string): StreamMessage {
  return { type: "leaveAck", source: source(id), known: 1, exchange: 1 };
}

describe("join", () => {
  it("43: no addresses join nobody, and that is well", () => {
    const solo = new Solo();
    const operation = solo.join();
    assertEquals(solo.effects, [{ type: "done", operation, count: 0, names: [] }]);
  });

  it("44: the own address joins nobody, and that is well", () => {
    const solo = new Solo();
    const operation = solo.join(addressOf("a"), addressOf("a"));
    assertEquals(solo.effects, [{ type: "done", operation, count: 0, names: [] }]);
    // The same by another name: the node answers itself.
    const other = solo.join("10.77.0.1:7000");
    const { exchange, bytes } = solo.of("exchange")[0]!;
    solo.step({ type: "request", exchange: 9, bytes });
    const [reply] = solo.of("reply");
    solo.step({ type: "response", exchange, bytes: reply!.bytes });
    assertEquals(solo.of("done"), [{ type: "done", operation: other, count: 0, names: [] }]);
    assertEquals(solo.core.localNode.generation, 1);
  });

  it("45: an answer without nodes is an answer", () => {
    const solo = new Solo();
    const operation = solo.join(addressOf("b"));
    const { exchange } = solo.of("exchange")[0]!;
    const { delta: _, ...empty } = replyFrom("b") as StreamMessage & { type: "joinReply" };
    solo.respond(exchange, { ...empty, delta: [] });
    assertEquals(solo.of("done"), [{ type: "done", operation, count: 1, names: ["b"] }]);
  });

  it("46: who answered is told in order of the addresses, each once, and failures are forgiven", () => {
    const solo = new Solo();
    const operation = solo.join(...[..."bcd"].map(addressOf), "10.0.99.1:7000");
    const opened = solo.of("exchange");
    assertEquals(opened.length, 4);
    for (const { exchange, to } of [...opened].reverse()) {
      const id = [..."bcd"].find((one) => addressOf(one) === to);
      if (id === undefined || id === "c") {
        solo.step({ type: "exchangeFailed", exchange, reason: "refused" });
      } else solo.respond(exchange, replyFrom(id));
    }
    assertEquals(solo.of("done"), [{ type: "done", operation, count: 2, names: ["b", "d"] }]);
    assertEquals(solo.core.peers.map(({ name }) => name), ["a", "b", "d"]);
  });

  it("47: when none answers, the join fails with all reasons", () => {
    const solo = new Solo();
    const operation = solo.join(addressOf("b"), addressOf("c"));
    for (const { exchange } of solo.of("exchange")) {
      solo.step({ type: "exchangeFailed", exchange, reason: "timed out" });
    }
    const [failed] = solo.of("failed");
    assertEquals([failed?.operation, failed?.cause], [operation, "unreachable"]);
    for (const id of ["b", "c"]) assert(failed!.error.includes(`${addressOf(id)}: timed out`));
  });

  it("48: another node with the own name is a failure, and a conflict", () => {
    const solo = new Solo();
    solo.join(addressOf("b"));
    const { exchange } = solo.of("exchange")[0]!;
    const reply = replyFrom("b") as StreamMessage & { type: "joinReply" };
    const twin = source("a", { addr: addressOf("b"), generation: 6 });
    solo.respond(exchange, { ...reply, source: twin });
    assertEquals(solo.events.map(({ type }) => type), ["conflict"]);
    assertEquals(solo.core.localNode.generation, 7);
    assert(solo.of("failed")[0]!.error.includes("own name"));
  });

  it("49: another cluster is a failure, and never merged", () => {
    const [prod, dev] = [new Solo(), new Solo({ id: "b", label: "dev" })];
    dev.join(addressOf("a"));
    const { exchange, bytes } = dev.of("exchange")[0]!;
    prod.step({ type: "request", exchange: 1, bytes });
    assertEquals(prod.refusals, ["label"]);
    const [reply] = prod.of("reply");
    dev.step({ type: "response", exchange, bytes: reply!.bytes });
    assertEquals(dev.of("failed").length, 1);
    assertEquals([prod.core.nodes().length, dev.core.nodes().length], [1, 1]);
    // The same tag, another label: streams compare the whole of it.
    const join = prod.join(addressOf("c"));
    const { exchange: other } = prod.of("exchange")[0]!;
    prod.respond(other, replyFrom("c", "prod-twin"));
    assertEquals(prod.of("failed").map(({ operation }) => operation), [join]);
    const messages = prod.request(
      { ...replyFrom("c"), type: "leave", label: "x" } as StreamMessage,
    );
    assertEquals(messages, [{ type: "reject", code: 1, a: 0, b: 0 }]);
    assertEquals(prod.core.nodes().length, 1);
  });

  it("50: after the leave there is no join, and one under way ends", () => {
    const solo = new Solo();
    const before = solo.join(addressOf("b"));
    solo.leave();
    assertEquals(solo.of("failed").map(({ operation }) => operation), [before]);
    solo.join(addressOf("c"));
    assertEquals(solo.of("failed").map(({ cause }) => cause), ["illegalState"]);
  });

  it("50: calls are independent of each other", () => {
    const solo = new Solo();
    const first = solo.join(addressOf("b"));
    const [one] = solo.of("exchange");
    const other = solo.join(addressOf("b"));
    const [two] = solo.of("exchange");
    solo.step({ type: "exchangeFailed", exchange: two!.exchange, reason: "refused" });
    assertEquals(solo.of("failed").map(({ operation }) => operation), [other]);
    solo.respond(one!.exchange, replyFrom("b"));
    assertEquals(solo.of("done").map(({ operation }) => operation), [first]);
  });

  it("53: of fifty addresses at most four are dialled at once, three are enough, the rest is greeted bit by bit", () => {
    const solo = new Solo();
    const addresses = Array.from({ length: 50 }, (_, i) => `10.3.0.${i + 1}:7000`);
    const operation = solo.join(...addresses);
    const opened = [...solo.of("exchange")];
    assertEquals(opened.length, 4);
    for (const [i, id] of [..."bcd"].entries()) {
      solo.respond(opened[i]!.exchange, replyFrom(id));
      opened.push(...solo.of("exchange"));
    }
    assertEquals(solo.of("done").map(({ operation, count }) => [operation, count]), [[
      operation,
      3,
    ]]);
    assert(opened.length <= 6);
    let greeted = 0;
    for (let round = 0; round < 8; round++) {
      solo.now = solo.core.deadline;
      solo.step({ type: "timeout" });
      const strangers = solo.of("send").filter(({ to }) => to.startsWith("10.3."));
      // One more may be met as an address that was joined once.
      assert(strangers.length <= 11, `${strangers.length}`);
      greeted += strangers.length;
    }
    assert(greeted >= 44 && greeted <= 50, `${greeted}`);
  });

  it("53: who is overloaded is asked once more, after a while", () => {
    const solo = new Solo();
    const operation = solo.join(addressOf("b"));
    const overloaded: StreamMessage = { type: "reject", code: 4, a: 1000, b: 0 };
    const [first] = solo.of("exchange");
    solo.respond(first!.exchange, overloaded);
    assertEquals(solo.of("failed"), []);
    const effects = solo.run(2200);
    const again = effects.filter(({ type }) => type === "exchange");
    assertEquals(again.length, 1);
    solo.respond((again[0] as { exchange: number }).exchange, overloaded);
    assertEquals(solo.of("failed").map((one) => [one.operation, one.error]), [
      [operation, `${addressOf("b")}: overloaded`],
    ]);
  });

  it("53: more than sixteen joins at once are told to come again", () => {
    const solo = new Solo();
    const join = (id: string): StreamMessage => ({
      type: "join",
      source: source(id),
      known: 1,
      exchange: 1,
      label: LABEL,
      last: true,
      digest: [],
      delta: [block(id, [])],
    });
    for (let i = 0; i < 16; i++) {
      assertEquals(solo.request(join(String.fromCharCode(98 + i)))[0]?.type, "joinReply");
    }
    assertEquals(solo.request(join("z")), [{ type: "reject", code: 4, a: 1000, b: 0 }]);
    solo.step({ type: "replied", exchange: 1, ok: true });
    assertEquals(solo.request(join("z"))[0]?.type, "joinReply");
  });

  it("a joiner is not told of the dead, and asked for what it alone knows", () => {
    const solo = new Solo();
    solo.delta(block("c", []), block("d", [entry("_internal:left", "", 1)]));
    solo.run(21_000);
    solo.delta(block("e", []));
    const [reply] = solo.request({
      type: "join",
      source: source("b"),
      known: 2,
      exchange: 1,
      label: LABEL,
      last: true,
      digest: [
        { ...source("b"), heartbeat: 1, version: 0, left: false, down: false, want: false },
        { ...source("x"), heartbeat: 1, version: 3, left: false, down: false, want: false },
      ],
      delta: [block("b", [])],
    });
    assert(reply?.type === "joinReply");
    assertEquals(reply.delta.map(({ id }) => id), ["a", "e"]);
    const [syn] = solo.sent;
    assert(syn?.type === "syn");
    assertEquals(syn.digest.filter(({ want }) => want).map(({ id }) => id), ["x"]);
  });

  it("requests that are none are hung up on", () => {
    const solo = new Solo();
    const bad: readonly Uint8Array[] = [
      new Uint8Array(0),
      Uint8Array.of(1, 2, 3),
      encodeStream([replyFrom("b")], TAG),
      encodeStream([ackFrom("b")], TAG),
      encodeStream([{ type: "reject", code: 1, a: 0, b: 0 }], TAG),
      encodeStream([
        { ...replyFrom("b"), type: "leave", source: source("b", { addr: "x" }) } as StreamMessage,
      ], TAG),
    ];
    for (const bytes of bad) {
      solo.step({ type: "request", exchange: 5, bytes });
      assertEquals(solo.effects.map(({ type }) => type).sort(), ["hangUp", "refused"]);
    }
    solo.step({ type: "response", exchange: 99, bytes: new Uint8Array(0) });
    assertEquals(solo.effects, []);
  });
});

describe("leave", () => {
  function crowd(ids: string): Solo {
    const solo = new Solo();
    solo.delta(...[...ids].map((id) => block(id, [])));
    return solo;
  }

  it("54: three of ten are told", () => {
    const solo = crowd("bcdefghijk");
    const operation = solo.leave();
    const opened = solo.of("exchange");
    assertEquals(opened.length, 3);
    assertEquals(new Set(opened.map(({ to }) => to)).size, 3);
    for (const { exchange } of opened.slice(0, 2)) solo.respond(exchange, ackFrom("b"));
    assertEquals(solo.of("done"), []);
    solo.respond(opened[2]!.exchange, ackFrom("c"));
    assertEquals(solo.of("done"), [{ type: "done", operation, count: 3 }]);
    assertEquals(solo.core.scuttlebuttStats.streamsOutbound, 3);
  });

  it("54: another one takes the place of one that fails", () => {
    const solo = crowd("bcdefghijk");
    const operation = solo.leave();
    const [first, second, third] = solo.of("exchange");
    solo.step({ type: "exchangeFailed", exchange: first!.exchange, reason: "refused" });
    const [fourth] = solo.of("exchange");
    assert(fourth !== undefined && ![first, second, third].some((one) => one!.to === fourth.to));
    for (const one of [second, third, fourth]) solo.respond(one!.exchange, ackFrom("b"));
    assertEquals(solo.of("done"), [{ type: "done", operation, count: 3 }]);
  });

  it("54: when all fail, the leave fails; with nobody there it ends at once", () => {
    const solo = crowd("bcde");
    const operation = solo.leave();
    let opened = [...solo.of("exchange")];
    let attempts = 0;
    while (opened.length > 0) {
      attempts++;
      const { exchange } = opened.shift()!;
      solo.step({ type: "exchangeFailed", exchange, reason: "refused" });
      opened = [...opened, ...solo.of("exchange")];
    }
    assertEquals(attempts, 4);
    const [failed] = solo.of("failed");
    assertEquals([failed?.operation, failed?.cause], [operation, "unreachable"]);
    assert(failed!.error.includes("refused"));
    assertEquals(solo.core.localNode.left, true);
    const lonely = new Solo();
    assertEquals(lonely.leave(), 1);
    assertEquals(lonely.of("done"), [{ type: "done", operation: 1, count: 0 }]);
  });

  it("54: those that are down or left are not told, and a leave that hangs ends in time", () => {
    const solo = crowd("bc");
    solo.run(21_000);
    solo.delta(block("d", []), block("e", [entry("_internal:left", "", 1)]));
    const operation = solo.leave();
    assertEquals(solo.of("exchange").map(({ to }) => to), [addressOf("d")]);
    assertEquals(solo.run(19_000).filter(({ type }) => type === "failed"), []);
    const [failed] = solo.run(1600).filter(({ type }) => type === "failed");
    assert(failed?.type === "failed" && failed.operation === operation);
    assertEquals(failed.cause, "timeout");
  });

  it("54: one that left answers, and begins nothing", () => {
    const solo = crowd("b");
    solo.leave();
    const heartbeat = solo.core.localNode.heartbeat;
    const effects = solo.run(10_000);
    assertEquals(effects.filter(({ type }) => type === "send"), []);
    assertEquals(solo.core.localNode.heartbeat, heartbeat);
    const [answer] = solo.syn([], { known: 9 });
    assert(answer?.type === "synAck");
    assertEquals(answer.digest.find(({ id }) => id === "a")?.left, true);
    assertEquals(solo.core.peers.map(({ name }) => name), ["b"]);
  });

  it("55: a goodbye counts at once, though nothing else is held yet", () => {
    const solo = crowd("b");
    const messages = solo.request({
      type: "leave",
      source: source("b"),
      known: 1,
      exchange: 1,
      label: LABEL,
      last: true,
      delta: [],
    });
    assertEquals(messages.map(({ type }) => type), ["leaveAck"]);
    assertEquals(solo.events.map(({ type }) => type), ["leave"]);
    assertEquals([solo.core.node("b")!.version, solo.core.node("b")!.left], [0, true]);
    const events = solo.delta(block("b", [entry("k", "v", 1), entry("_internal:left", "", 2)]));
    assertEquals(events.map(({ type }) => type), ["upsertKey"]);
  });

  it("55: the goodbye of another life is not that of this one", () => {
    const solo = new Solo();
    solo.delta(block("b", [], { generation: 4 }));
    const leave = (generation: number) => ({
      type: "leave" as const,
      source: source("b", { generation }),
      known: 1,
      exchange: 1,
      label: LABEL,
      last: true,
      delta: [],
    });
    solo.request(leave(3));
    solo.request(leave(5));
    assertEquals(solo.core.node("b")!.left, false);
  });
});
