import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { ack, dead, messages, nextPing, ping, solo, suspect } from "./_harness_played.ts";
import { alive } from "./_harness_solo.ts";
import type { Ping } from "./messages.ts";

describe("SwimCore probes of others", () => {
  it("acks a ping for itself, where it says, with its number (C-71)", () => {
    const it = solo(1);
    for (const node of ["me", ""]) {
      assertEquals(it.receive(ping(node)), [{
        at: it.now,
        to: "10.0.1.1:8080",
        message: ack(41),
      }]);
    }
  });

  it("is silent to a ping for another name (C-72, T-27)", () => {
    const it = solo(1);
    assertEquals(it.receive(ping("other")), []);
    assertEquals(it.refusals, ["name"]);
  });

  it("is silent to a ping that says not where to answer (T-10)", () => {
    const it = solo(1);
    assertEquals(it.receive(ping("me", { sourceAddr: new Uint8Array() })), []);
    assertEquals(it.receive(ping("me", { sourcePort: 0 })), []);
    assertEquals(it.refusals, ["source", "source"]);
  });

  const request = {
    type: "indirectPing",
    seqNo: 300,
    target: Uint8Array.of(10, 0, 9, 9),
    port: 99,
    node: "far",
    nack: true,
    sourceAddr: Uint8Array.of(10, 0, 1, 1),
    sourcePort: 8080,
    sourceNode: "p1",
  } as const;

  it("relays a probe under a number of its own, and the ack, and no nack then (C-73)", () => {
    const it = solo(0);
    const [relayed] = it.receive(request);
    assertEquals(relayed?.to, "10.0.9.9:99");
    const { message } = relayed as { message: Ping };
    assertEquals([message.node, message.sourceNode, message.sourcePort], ["far", "me", 8080]);
    assert(message.seqNo !== 300);
    assertEquals(it.receive(ack(message.seqNo)), [
      { at: it.now, to: "10.0.1.1:8080", message: ack(300) },
    ]);
    assertEquals(it.run(10_000).filter(({ message }) => message.type !== "alive"), []);
  });

  it("sends a nack after 2 s of silence, if wanted (C-74, T-26)", () => {
    const it = solo(0);
    it.receive(request);
    assertEquals(it.run(1999), []);
    assertEquals(it.run(1), [
      { at: it.now, to: "10.0.1.1:8080", message: { type: "nack", seqNo: 300 } },
    ]);
    const [late] = messages(it.receive({ ...request, nack: false }), "ping");
    assertEquals(it.run(5000), []);
    assertEquals(it.receive(ack(late!.seqNo)), []);
  });

  it("promises only so many relays", () => {
    const it = solo(0);
    for (let i = 0; i < 2100; i++) it.receive({ ...request, seqNo: i });
    assertEquals(it.refusals.filter((reason) => reason === "limit").length, 2100 - 2048);
    it.run(3000);
    assertEquals(it.receive(request).length, 1);
  });
});

describe("SwimCore's own probes", () => {
  it("say where to answer, and end with the ack", () => {
    const it = solo(1);
    const { to, message } = nextPing(it);
    assertEquals([to, message.node, message.sourceNode, message.sourcePort], [
      "10.0.1.1:8080",
      "p1",
      "me",
      8080,
    ]);
    assertEquals([...message.sourceAddr], [10, 0, 0, 1]);
    it.receive(ack(message.seqNo));
    it.run(4000);
    assertEquals([it.counted("probeFailed"), it.core.stats.healthScore], [0, 0]);
    assertEquals(messages(it.sent, "indirectPing"), []);
  });

  it("ask 3 others after 2 s under the same number, and suspect after 5 s (C-75)", () => {
    const it = solo(5);
    const { at, message } = nextPing(it);
    const asked = it.run(4998).filter((sent) => sent.message.type === "indirectPing");
    assertEquals(new Set(asked.map(({ to }) => to)).size, 3);
    for (const request of asked) {
      assertEquals(Math.round(request.at - at), 2000);
      assert(request.message.type === "indirectPing");
      const { seqNo, node, nack, sourceNode, target, port } = request.message;
      assertEquals([seqNo, node, nack, sourceNode], [message.seqNo, message.node, true, "me"]);
      assertEquals([`${target.join(".")}:${port}`, request.to === `${target.join(".")}:${port}`], [
        it.core.peers.find(({ name }) => name === message.node)!.addr,
        false,
      ]);
    }
    assertEquals(it.core.stats.suspect, 0);
    it.run(3);
    assertEquals([it.core.stats.suspect, it.counted("suspicion")], [1, 1]);
    assertEquals(it.record(message.node)?.state, 1);
  });

  it("succeed by a relayed or late ack", () => {
    const it = solo(5);
    const { message } = nextPing(it);
    it.run(4900);
    it.receive(ack(message.seqNo));
    it.run(99);
    assertEquals([it.core.stats.suspect, it.core.stats.healthScore], [0, 0]);
  });

  it("lower the health by the nacks that did not come; with all of them it stays (C-101)", () => {
    for (const [nacks, score] of [[0, 3], [1, 2], [3, 0], [5, 0]] as const) {
      const it = solo(5);
      const { message } = nextPing(it);
      it.run(2100);
      for (let i = 0; i < nacks; i++) it.receive({ type: "nack", seqNo: message.seqNo });
      it.run(2900);
      assertEquals([it.counted("probeFailed"), it.core.stats.healthScore], [1, score]);
      assertEquals(it.counted("nack"), Math.min(nacks, 3));
    }
  });

  it("lower the health by 1 where nobody could be asked, and take longer then", () => {
    const it = solo(1);
    nextPing(it);
    const sent = it.run(5001);
    assertEquals([it.core.stats.healthScore, it.counted("probeFailed")], [1, 1]);
    // Where the round comes to the node itself there is none at once.
    const { at } = sent.find(({ message }) => message.type === "ping") ?? nextPing(it);
    const begun = it.counted("probe");
    while (it.counted("probeFailed") < 2) it.run(10);
    assert(it.now - at >= 10_000 && it.now - at < 10_020, `${it.now - at}`);
    assertEquals(it.counted("probe"), begun + 1);
  });

  it("tell a suspect so along with the ping, and nothing else (5.4)", () => {
    const it = solo(1);
    it.receive(suspect("p1", 1));
    it.drain();
    it.receive(alive("p2", "10.0.1.2:8080"));
    for (let i = 0; i < 1000; i++) {
      const sent = it.run(50);
      const probe = sent.find(({ to, message }) =>
        to === "10.0.1.1:8080" && message.type === "ping"
      );
      if (probe === undefined) continue;
      const packet = sent.filter(({ at, to }) => at === probe.at && to === probe.to);
      assertEquals(packet.map(({ message }) => message.type), ["ping", "suspect"]);
      assertEquals(packet[1]?.message, suspect("p1", 1, "me"));
      return;
    }
    throw new Error("The suspect was not probed");
  });

  it("go round the whole table before they repeat, never to self, the dead or the left", () => {
    const it = solo(6);
    it.receive(dead("p5", 1), dead("p6", 1, "p6"));
    const probed: string[] = [];
    while (probed.length < 40) {
      const { message } = nextPing(it);
      probed.push(message.node);
      it.receive(ack(message.seqNo));
    }
    for (let i = 0; i + 4 <= 40; i += 4) {
      assertEquals(probed.slice(i, i + 4).sort(), ["p1", "p2", "p3", "p4"]);
    }
  });
});
