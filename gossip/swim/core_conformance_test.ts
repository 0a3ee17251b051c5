import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { dead, messages, ping, solo } from "./_harness_played.ts";
import { alive, Solo } from "./_harness_solo.ts";
import { decodeStateMessage, encodeStateMessage } from "./wire/ckit.ts";
import { encodeMessage } from "./wire/messages_codec.ts";
import { MsgpackWriter } from "./wire/msgpack_writer.ts";

const state = (nodeName: string, newState: number, time: number) => ({
  nodeName,
  newState,
  time: BigInt(time),
});

const declaration = (node: string) => ({
  type: "user",
  payload: encodeStateMessage(state(node, 1, 5)),
} as const);

// What docs/conformance.md lists and no test of one part shows.
describe("SwimCore conforms", () => {
  it("takes a node that left back only by its own higher incarnation (C-99)", () => {
    const it = solo(2);
    it.receive(dead("p1", 1, "p1"));
    assertEquals([it.names, it.record("p1")?.state], [["me", "p2"], 3]);
    it.receive(alive("p1", "10.0.1.1:8080"));
    assertEquals(it.names, ["me", "p2"]);
    it.receive(alive("p1", "10.0.1.1:8080", { incarnation: 2 }));
    assertEquals(it.names, ["me", "p1", "p2"]);
  });

  it("survives a compound whose count wrapped, and reads what follows (T-05)", () => {
    const it = solo(1);
    const part = encodeMessage(alive("x", "10.0.2.1:80"));
    const count = 300;
    const bytes = new Uint8Array(2 + count * (2 + part.length));
    bytes.set([7, count & 0xff]);
    for (let i = 0; i < count; i++) {
      bytes.set([part.length >> 8, part.length & 0xff], 2 + i * 2);
      bytes.set(part, 2 + count * 2 + i * part.length);
    }
    const label = [0xf4, 4, ...new TextEncoder().encode("prod")];
    it.input({ type: "packet", bytes: Uint8Array.from([...label, ...bytes]) });
    assert(it.refusals.length > 0);
    assertEquals(messages(it.receive(ping("me")), "ack").length, 1);
  });

  it("takes nothing up that no part of a compound could carry on (T-06)", () => {
    const it = solo(1);
    const node = "\uffff".repeat(1024);
    const meta = new Uint8Array(512);
    it.receive(alive(node, "10.0.2.1:80", { meta }), declaration(node), {
      type: "suspect",
      node,
      incarnation: 1,
      from: node,
    });
    it.receive(
      alive("y", "10.0.2.2:80", { meta: new Uint8Array(513) }),
      alive(node + "x", "10.0.2.3:80"),
    );
    assertEquals([it.names.length, it.refusals], [3, ["limit", "limit"]]);
    const sent = it.receive(ping("me"));
    assertEquals(sent.map(({ message }) => message.type).sort(), ["ack", "suspect", "user"]);
    assert(sent.every(({ message }) => encodeMessage(message).length < 10_000));
  });

  it("counts dead and left records in n, but not for declarations (T-29)", () => {
    const it = solo(9);
    it.receive(dead("p1", 1));
    it.drain();
    // Ten records, nine peers: news goes into 8 packets, a declaration into 4.
    it.receive(alive("p2", "10.0.1.2:8080", { incarnation: 2 }), {
      type: "user",
      payload: encodeStateMessage(state("p3", 1, 5)),
    });
    const sent = it.drain();
    assertEquals(messages(sent, "alive").length, 8);
    assertEquals(messages(sent, "user").length, 4);
  });

  it("may carry one piece of news in three packets of one round (T-30)", () => {
    const it = solo(5);
    it.receive(alive("p2", "10.0.1.2:8080", { incarnation: 2 }));
    const sent = it.run(200).filter(({ message }) => message.type === "alive");
    assertEquals(new Set(sent.map(({ to }) => to)).size, 3);
    assertEquals(new Set(sent.map(({ at }) => at)).size, 1);
  });

  it("probes nobody in some ticks of a cluster of two (T-31)", () => {
    const it = solo(1);
    it.answering = true;
    const pings = messages(it.run(500_000), "ping").length;
    assert(pings > 20 && pings < 90, `${pings} pings in 100 ticks`);
  });

  it("gossips on what it understood, not what it read (T-33)", () => {
    const it = solo(1);
    const news = alive("x", "10.0.2.1:80");
    const known = encodeMessage(news);
    const writer = new MsgpackWriter();
    writer.byte(4);
    writer.mapHeader(7);
    writer.verbatim(known.subarray(2));
    writer.string("Zone");
    writer.string("eu-1");
    for (const bytes of it.packets.seal([writer.finish()], { crc: false })) {
      it.input({ type: "packet", bytes });
    }
    assertEquals(it.names, ["me", "p1", "x"]);
    const packet = it.drain().find(({ message }) => message.type === "alive");
    assertEquals(packet?.message, news);
  });

  it("observes the time of a declaration that it then ignores (T-34)", () => {
    const it = solo(1);
    it.pushPull([], { currentTime: 3n, nodeStates: [state("p1", 1, 900)] });
    assertEquals(it.core.stats.lamportTime, 4);
    it.declare(state("p1", 2, 800));
    assertEquals([it.core.stats.lamportTime, it.core.peers[1]?.state], [801, "participant"]);
  });

  it("tells whose accusation it passes on (T-25)", () => {
    const it = solo(3);
    it.receive(dead("p1", 1, "p2"), dead("p3", 1, "p3"));
    const told = messages(it.drain(), "dead");
    assertEquals(
      new Set(told.map(({ node, from }) => `${node} ${from}`)),
      new Set(["p1 p2", "p3 p3"]),
    );
  });

  it("sends nothing that crashes a Go node, whatever it was fed (T-03, T-36)", () => {
    const it = new Solo();
    for (let length = 0; length < 8; length++) {
      it.receive(alive(`v${length}`, "10.0.2.1:80", { vsn: new Uint8Array(length).fill(2) }));
      it.pushPull([{ ...it.state().nodes[0]!, name: `w${length}`, vsn: new Uint8Array(length) }]);
    }
    const sent = messages(it.drain(), "alive");
    const { nodes } = it.state();
    assert([...sent, ...nodes].every(({ vsn }) => vsn.length === 6));
    it.input({ type: "request", exchange: 5, bytes: new Uint8Array() });
    for (const { bytes } of it.of("reply")) {
      assert(it.streams.open(bytes, { label: false }).type !== undefined);
    }
  });

  it("keeps the two enumerations of states apart (T-16)", () => {
    const it = solo(1);
    it.declare(state("p1", 2, 5));
    assertEquals([it.core.peers[1]?.state, it.record("p1")?.state], ["terminating", 0]);
    it.receive({ type: "suspect", node: "p1", incarnation: 1, from: "x" });
    assertEquals([it.core.peers[1]?.state, it.record("p1")?.state], ["terminating", 1]);
    const told = messages(it.drain(), "user").map(({ payload }) => decodeStateMessage(payload));
    assertEquals(new Set(told.map(({ newState }) => newState)), new Set([2]));
  });
});
