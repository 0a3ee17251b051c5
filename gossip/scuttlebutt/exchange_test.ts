import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  addressOf,
  block,
  entry,
  LABEL,
  listed,
  prng,
  Solo,
  source,
  synOf,
  TAG,
  talk,
} from "./_harness.ts";
import type { Packet } from "./messages.ts";
import { decodePacket, decodeStream, encodeFrame } from "./wire/codec.ts";
import { encodedLength } from "./wire/lengths.ts";

/** Blocks in packets, as `id@version of the last entry`. */
function blocks(packets: readonly Packet[]): readonly string[] {
  return packets.flatMap((packet) => "delta" in packet ? packet.delta : [])
    .map(({ id, entries, from }) => `${id}@${entries.at(-1)?.version ?? from}`);
}

function converge(a: Solo, b: Solo): readonly Packet[] {
  return talk(a, b, [synOf(a)]);
}

/** Some seconds of work on a busy machine: Bun gives a test five unless told otherwise. */
const LONG = { timeout: 120_000 };

describe("exchanges", () => {
  it("22: two that know different nodes both know all after three packets", () => {
    const [a, b] = [new Solo({ id: "a" }), new Solo({ id: "b" })];
    a.upsert("k", "1");
    a.upsert("k", "2");
    b.upsert("k", "1");
    b.delta(block("c", [entry("x", "1", 9)]));
    const packets = converge(a, b);
    assertEquals(packets.map(({ type }) => type), ["syn", "synAck", "ack"]);
    for (const { core } of [a, b]) {
      assertEquals(core.nodes().map(({ id, version }) => `${id}@${version}`), [
        "a@2",
        "b@1",
        "c@9",
      ]);
      assertEquals(core.node("a")!.entries, a.core.localNode.entries);
    }
    assertEquals(blocks(packets).length, 3);
  });

  it("23: equal states need three packets without blocks", () => {
    const [a, b] = [new Solo({ id: "a" }), new Solo({ id: "b" })];
    a.upsert("k", "1");
    converge(a, b);
    const packets = converge(a, b);
    assertEquals(packets.map(({ type }) => type), ["syn", "synAck", "ack"]);
    assertEquals(blocks(packets), []);
  });

  it("24: an unknown id is wanted; what a whole page lacks is given", () => {
    const solo = new Solo();
    solo.delta(block("c", [entry("x", "1", 1)]));
    const [partial] = solo.syn([listed("z", 1), listed("u", 5)], { known: 3 });
    assert(partial?.type === "synAck");
    assertEquals(partial.digest.filter(({ want }) => want).map(({ id }) => id), ["z", "u"]);
    assertEquals(partial.delta, []);
    const [whole] = solo.syn([listed("z", 1), listed("u", 5)], { known: 2 });
    assert(whole?.type === "synAck");
    assertEquals(whole.delta.map(({ id }) => id), ["a", "c"]);
  });

  it("24: a want is served, a node that is held in part is asked for the rest by FIN", () => {
    const [a, b] = [new Solo({ id: "a" }), new Solo({ id: "b" })];
    converge(a, b);
    b.delta(block("c", [entry("x", "1", 1), entry("y", "1", 2)]));
    a.delta(block("c", [entry("x", "1", 1)]));
    // A page of A that leaves c out.
    const syn = synOf(a);
    assert(syn.type === "syn");
    const packets = talk(a, b, [{ ...syn, digest: syn.digest.filter(({ id }) => id !== "c") }]);
    assertEquals(packets.map(({ type }) => type), ["syn", "synAck", "ack", "fin"]);
    assertEquals(a.held("c"), ["x=1@1", "y=1@2"]);
  });

  it("25: no packet exceeds the limit, and each holds a prefix of every node", LONG, () => {
    for (const maxPacketBytes of [512, 513, 700, 1400]) {
      const random = prng(maxPacketBytes);
      const solo = new Solo({ maxPacketBytes });
      const contents = new Map<string, readonly number[]>();
      for (let i = 0; i < 40; i++) {
        const id = `node-${i}`;
        const versions: number[] = [];
        for (let v = 1; v <= 60; v += 1 + Math.floor(random() * 3)) versions.push(v);
        contents.set(id, versions);
        solo.delta(block(
          id,
          versions.map((v) => entry(`k${v}`, "v".repeat(Math.floor(random() * 90)), v)),
          { addr: `10.0.1.${i + 1}:7000` },
        ));
      }
      for (let prefix = 0; prefix <= 60; prefix++) {
        const digest = [...contents.keys()].slice(0, 12).map((id) => listed(id, prefix));
        solo.packet({ type: "syn", source: source("z"), known: 99, exchange: 1, digest });
        const { bytes } = solo.of("send")[0]!;
        assert(bytes.length <= maxPacketBytes, `${bytes.length}`);
        const packet = decodePacket(bytes, TAG);
        assertEquals(encodedLength(packet), bytes.length);
        assert(packet.type === "synAck");
        for (const { id, from, entries } of packet.delta) {
          const above = contents.get(id)!.filter((version) => version > from);
          assertEquals(entries.map(({ version }) => version), above.slice(0, entries.length));
          assertEquals(from, prefix);
        }
      }
    }
  });

  it("26: an entry larger than a packet goes by stream, and nothing goes around it", () => {
    const [a, b] = [new Solo({ id: "a" }), new Solo({ id: "b" })];
    a.upsert("first", "1");
    a.upsert("large", "x".repeat(2000));
    a.upsert("later", "1");
    const packets = converge(a, b);
    const [more] = packets.flatMap((packet) => "delta" in packet ? packet.delta : [])
      .filter(({ id }) => id === "a");
    assertEquals([more?.more, more?.entries.map(({ key }) => key)], [true, ["first"]]);
    assertEquals(b.held("a"), ["first=1@1"]);
    // B, which lacks it, opened the stream.
    const opened = [...b.effects, ...a.effects].filter(({ type }) => type === "exchange");
    assertEquals(opened.length, 1);
    const [exchange] = opened;
    assert(exchange?.type === "exchange" && exchange.to === addressOf("a"));
    a.step({ type: "request", exchange: 5, bytes: exchange.bytes });
    const [reply] = a.of("reply");
    b.step({ type: "response", exchange: exchange.exchange, bytes: reply!.bytes });
    assertEquals(b.core.node("a")!.entries, a.core.localNode.entries);
  });

  it("27: twenty nodes with one key are not starved by one with 10000", () => {
    const [a, b] = [new Solo({ id: "a", maxKeys: 20_000 }), new Solo({ id: "b", maxKeys: 20_000 })];
    const many = Array.from({ length: 10_000 }, (_, i) => entry(`key${i}`, "value", i + 1));
    for (let from = 0; from < many.length; from += 1000) {
      const entries = many.slice(from, from + 1000);
      a.delta(block("huge", entries, { addr: "10.1.0.1:1", from }));
    }
    assertEquals(a.core.node("huge")!.version, 10_000);
    for (let i = 0; i < 20; i++) {
      a.delta(block(`n${i}`, [entry("k", "v".repeat(20), 1)], { addr: `10.1.1.${i + 1}:1` }));
    }
    const small = (): number =>
      b.core.nodes().filter(({ id, version }) => id.startsWith("n") && version === 1).length;
    converge(b, a);
    converge(b, a);
    assertEquals(small(), 20);
    assert(b.core.node("huge")!.version > 0, "the large one makes progress, too");
  });

  it(
    "28: every node is listed within so many pages, and one that changed in the next",
    LONG,
    () => {
      const solo = new Solo({ seed: 5 });
      const ids = Array.from({ length: 999 }, (_, i) => `node${String(i).padStart(5, "0")}`);
      for (const [i, id] of ids.entries()) {
        solo.delta(
          block(id, [entry("k", "v", 3)], { addr: `10.2.${i >> 8}.${i & 255}:1` }),
        );
      }
      // Everything is new at first; later, only what changes.
      solo.run(19_500);
      const page = (): readonly string[] => {
        const packet = synOf(solo);
        assert(packet.type === "syn");
        return packet.digest.map(({ id }) => id);
      };
      const size = page().length;
      assert(size >= 55, `${size}`);
      const bound = Math.ceil(1000 / Math.floor((size - 1) / 2));
      const lastSeen = new Map<string, number>();
      for (let i = 0; i < 6 * bound; i++) {
        const changed = ids[(i * 40) % ids.length]!;
        const { version } = solo.core.node(changed)!;
        solo.delta(block(changed, [entry("k", String(i), version + 1)], {
          from: version,
          addr: solo.core.node(changed)!.addr,
        }));
        const listedNow = page();
        assert(listedNow.includes(changed), "a changed node waits");
        for (const id of listedNow) lastSeen.set(id, i);
        if (i < bound) continue;
        for (const id of ids) assert(lastSeen.get(id)! > i - bound, `${id} waits for page ${i}`);
      }
    },
  );

  it("29: duplicates and any order lead to the same state", LONG, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (seed) => {
        const random = prng(seed);
        const pair = (): readonly [Solo, Solo] => {
          const [a, b] = [new Solo({ id: "a" }), new Solo({ id: "b" })];
          a.upsert("k", "1");
          b.upsert("k", "2");
          b.delta(block("c", [entry("x", "1", 1), entry("y", "2", 2)]));
          a.delta(block("c", [entry("x", "1", 1)]));
          return [a, b];
        };
        const [a, b] = pair();
        const frames = converge(a, b);
        const [c, d] = pair();
        const replay = [...frames, ...frames].map((packet, i) => ({
          packet,
          i: i % frames.length,
        }));
        for (let i = replay.length - 1; i > 0; i--) {
          const j = Math.floor(random() * (i + 1));
          [replay[i], replay[j]] = [replay[j]!, replay[i]!];
        }
        for (const { packet, i } of replay) (i % 2 === 0 ? d : c).packet(packet);
        converge(c, d);
        for (const [left, right] of [[a, c], [b, d]] as const) {
          for (const id of ["a", "b", "c"]) {
            assertEquals(right.core.node(id)?.entries, left.core.node(id)?.entries);
          }
        }
      }),
      { seed: 29, numRuns: 200 },
    );
  });

  it("a large backlog goes by stream", () => {
    const [a, b] = [new Solo({ id: "a" }), new Solo({ id: "b" })];
    for (let i = 0; i < 2000; i++) a.upsert(`key${i}`, "value");
    const packets = converge(b, a);
    const delta = packets.flatMap((packet) => "delta" in packet ? packet.delta : []);
    assert(delta.some(({ more }) => more));
    const opened = b.core.scuttlebuttStats.streamsOutbound;
    assertEquals(opened, 1);
  });

  it("who knows many more nodes than a page can list is asked for all by stream", () => {
    const solo = new Solo();
    const synced = (): boolean => solo.of("exchange").length > 0;
    const known = Array.from({ length: 30 }, (_, i) => `k${i}`);
    solo.delta(...known.map((id, i) => block(id, [], { addr: `10.4.0.${i}:1` })));
    const unknown = Array.from({ length: 40 }, (_, i) => listed(`u${i}`, 1));
    const familiar = known.map((id) => listed(id, 0));
    // Page and number agree that most are unknown; of a whole digest, or of a page of those that came last, they do not.
    solo.syn([...familiar.slice(0, 10), ...unknown.slice(0, 10)], { known: 71 });
    assert(synced());
    const [exchange] = solo.of("exchange");
    assertEquals(exchange?.to, addressOf("z"));
    solo.step({ type: "exchangeFailed", exchange: exchange!.exchange, reason: "" });
    solo.syn([...familiar, ...unknown], { known: 70 });
    assert(!synced(), "all are in the page");
    solo.syn([...familiar.slice(0, 10), ...unknown.slice(0, 10)], { known: 45 });
    assert(!synced(), "no more than a page can list");
    solo.syn(familiar.slice(0, 20), { known: 2 ** 53 - 1 });
    assert(!synced(), "a number alone may be a lie, or of those that left");
    solo.syn(unknown.map((one) => ({ ...one, left: true })), { known: 2 ** 53 - 1 });
    assert(!synced(), "none of whom is taken in");
    solo.syn([], { known: 2 ** 53 - 1 });
    assert(!synced());
  });

  it("a sync brings both sides together, in as many messages as it takes", () => {
    const [a, b] = [new Solo({ id: "a" }), new Solo({ id: "b" })];
    for (let i = 0; i < 20; i++) a.upsert(`key${i}`, "v".repeat(60_000));
    b.upsert("mine", "1");
    const operation = b.join(addressOf("a"));
    const [exchange] = b.of("exchange");
    a.step({ type: "request", exchange: 1, bytes: exchange!.bytes });
    const [reply] = a.of("reply");
    const messages = decodeStream(reply!.bytes, TAG);
    assert(messages.length > 3);
    assert(messages.every((message) => message.type === "joinReply" && message.label === LABEL));
    b.step({ type: "response", exchange: exchange!.exchange, bytes: reply!.bytes });
    assertEquals(b.of("done"), [{ type: "done", operation, count: 1, names: ["a"] }]);
    assertEquals(b.core.node("a")!.entries, a.core.localNode.entries);
    assertEquals(a.held("b"), ["mine=1@1"]);
  });

  it("what a reply by stream may not hold at once is asked for again", () => {
    const settings = { maxStreamBytes: 1 << 20, maxNodeBytes: 1 << 24 };
    const [a, b] = [new Solo({ id: "a", ...settings }), new Solo({ id: "b", ...settings })];
    for (let i = 0; i < 40; i++) a.upsert(`key${i}`, "v".repeat(60_000));
    b.join(addressOf("a"));
    let streams = 0;
    for (let [exchange] = b.of("exchange"); exchange !== undefined; [exchange] = b.of("exchange")) {
      const reader = a.core.reader("request");
      assert(reader.push(exchange.bytes));
      a.step({ type: "request", exchange: ++streams, bytes: reader.bytes });
      const { bytes } = a.of("reply")[0]!;
      assert(bytes.length <= 1 << 20);
      b.step({ type: "response", exchange: exchange.exchange, bytes });
    }
    assert(streams > 3 && streams < 10, `${streams}`);
    assertEquals(b.core.node("a")!.entries, a.core.localNode.entries);
  });

  it("versions that a liar claims for others change nothing, and for oneself raise the generation", () => {
    const solo = new Solo();
    solo.delta(block("b", [entry("k", "v", 1)]));
    const before = solo.core.node("b")!;
    solo.syn([listed("b", 2 ** 53 - 1), listed("b2", 2 ** 53 - 1)]);
    assertEquals(solo.core.node("b"), before);
    assertEquals(solo.events, []);
    solo.syn([listed("a", 7)]);
    assertEquals(solo.events.map(({ type }) => type), ["conflict"]);
    assertEquals(solo.core.localNode.generation, 2);
  });

  it("one refusal is no reason for another", () => {
    const solo = new Solo();
    const bytes = encodeFrame({ type: "reject", code: 1, a: 0, b: 0 }, TAG + 1);
    solo.step({ type: "packet", bytes });
    assertEquals(solo.effects.map(({ type }) => type), ["refused"]);
  });
});
