import { delay } from "@std/async";
import { decodeHex } from "@std/encoding";
import { decodeLocalState, encodeLocalState } from "../../gossip/swim/wire/ckit.ts";
import { encodeStateMessage } from "../../gossip/swim/wire/ckit.ts";
import type { Alive } from "../../gossip/swim/messages.ts";
import { encodeMessage } from "../../gossip/swim/wire/mod.ts";
import { acks, type Heard, RawNode } from "../raw_node.ts";
import type { Scenario } from "../scenario.ts";
import { Check } from "./check.ts";
import { statuses } from "./statuses.ts";

/** Every kind is asked the same by a node that keeps to nothing but the wire: each must answer as ckit does. */
export const manners: Scenario = {
  name: "manners",
  about: "a bare client asks every kind of node the same, byte for byte, and gets the same answers",
  processes: 5,
  async run(lab) {
    const cluster = lab.cluster();
    const kinds = [...new Set([lab.go(0), lab.go(1), lab.go(2), ...lab.ours])];
    const counts = await Promise.all(kinds.map(async (kind) => {
      const member = await cluster.add(kind, `${kind.name}-asked`);
      const raw = await RawNode.open({ label: "interop", port: cluster.port() });
      lab.defer(() => raw.close());
      const check = new Check(cluster, member, raw);
      try {
        await statuses(check);
        await membership(check);
        await declarations(check);
        await probes(check);
        await streams(check);
      } catch (error) {
        return `${member.name}, ${check.current}: ${(error as Error).message}`;
      }
      return check.count;
    }));
    const wrong = counts.filter((one) => typeof one === "string");
    if (wrong.length > 0) throw new Error(wrong.join("\n    "));
    return `${counts[0]} questions to each of ${kinds.map((kind) => kind.name).join(", ")}`;
  },
};

const about = (node: string, type: string, incarnation: number) => ({ message }: Heard) =>
  message.type === type && (message as Alive).node === node &&
  (message as Alive).incarnation === incarnation;

const declares = (name: string, newState: number, time: bigint) => ({ state }: Heard) =>
  state?.nodeName === name && state.newState === newState && state.time === time;

/** Joining, and what is made of alive, suspect and dead. */
async function membership(check: Check): Promise<void> {
  const { raw, to, name } = check;
  const dead = (node: string, incarnation: number, from: string) =>
    ({ type: "dead", node, incarnation, from }) as const;

  await check.that("C-43: the answer to a join is from before it", async () => {
    const reply = await raw.pushPull(to, { join: true });
    check.equal(reply.join, true, "join");
    check.equal(reply.nodes.map((node) => node.name), [name], "the nodes");
    await check.settled();
    check.equal(await check.record("raw"), "alive @1", "the joiner");
  });
  await check.that("C-82: incarnation 0 makes nobody alive", async () => {
    await check.tell(raw.alive("zero", 0));
    check.equal(await check.listed("zero"), "no peer", "it");
    // memberlist keeps a record that nobody sees and forgets it again; ours keeps none.
    const record = await check.record("zero");
    if (record !== "unknown") check.equal(record, "dead @0", "its record");
  });
  await check.that("news of a node is taken and gossiped on", async (since) => {
    await check.tell(raw.alive("ghost", 1));
    check.equal(await check.listed("ghost"), "viewer", "it");
    await raw.hear("alive of the ghost", about("ghost", "alive", 1), since);
  });
  await check.that("C-87: versions that cannot be", async () => {
    await check.tell(
      raw.alive("odd", 1, { vsn: Uint8Array.of(0, 5, 2, 0, 0, 0) }),
      raw.alive("odd", 1, { vsn: Uint8Array.of(4, 3, 2, 0, 0, 0) }),
    );
    check.equal(await check.record("odd"), "unknown", "its record");
  });
  await check.that("C-86: the same address in 16 bytes is another", async () => {
    const addr = decodeHex("00000000000000000000ffff7f000001");
    await check.tell(raw.alive("ghost", 5, { addr }));
    check.equal(await check.record("ghost"), "alive @1", "its record");
  });
  await check.that("C-90: dead in a push/pull is a suspicion", async (since) => {
    const nodes = [raw.entry("raw"), raw.entry("ghost", { state: 2 })];
    await raw.pushPull(to, { nodes });
    const heard = await raw.hear("suspicion of the ghost", about("ghost", "suspect", 1), since);
    check.equal((heard.message as { from: string }).from, name, "the accuser");
    check.equal(await check.record("ghost"), "suspect @1", "its record");
    check.equal(await check.listed("ghost"), "viewer", "it");
  });
  await check.that("C-91: only a higher incarnation refutes", async () => {
    await check.tell(raw.alive("ghost", 1));
    check.equal(await check.record("ghost"), "suspect @1", "after an equal incarnation it");
    await check.tell(raw.alive("ghost", 2));
    check.equal(await check.record("ghost"), "alive @2", "after a higher incarnation it");
  });
  await check.that("C-83, C-85, C-88, C-89: dead", async () => {
    await check.tell(dead("ghost", 2, "raw"));
    check.equal(await check.record("ghost"), "dead @2", "it");
    check.equal(await check.listed("ghost"), "no peer", "it");
    await check.tell(dead("ghost", 2, "ghost"));
    check.equal(await check.record("ghost"), "dead @2", "told that it left, it");
    await check.tell(raw.alive("ghost", 2));
    check.equal(await check.record("ghost"), "dead @2", "after an equal incarnation it");
    await check.tell(raw.alive("ghost", 9, { port: 1 }));
    check.equal(await check.record("ghost"), "dead @2", "at another address it");
    await check.tell(raw.alive("ghost", 3));
    check.equal(await check.record("ghost"), "alive @3", "after a higher incarnation it");
    check.equal(await check.listed("ghost"), "viewer", "it");
  });
  await check.that("C-84: who left may come back elsewhere, with any incarnation", async () => {
    await check.tell(raw.alive("leaver", 7, { port: 1 }));
    await check.tell(dead("leaver", 7, "leaver"));
    check.equal(await check.record("leaver"), "left @7", "it");
    await check.tell(raw.alive("leaver", 2));
    check.equal(await check.record("leaver"), "alive @2", "it");
  });
  await check.that("C-79 to C-81: what is said about itself", async (since) => {
    const own = async () => (await raw.pushPull(to)).nodes.find((node) => node.name === name)!;
    const suspect = (incarnation: number) =>
      ({ type: "suspect", node: name, incarnation, from: "raw" }) as const;
    const { incarnation: first } = await own();
    await check.tell(suspect(first));
    await raw.hear("a refutation", about(name, "alive", first + 1), since);
    await check.tell(suspect(first));
    check.equal((await own()).incarnation, first + 1, "after an old suspicion its incarnation");
    await check.tell(dead(name, first + 1, "raw"));
    await raw.hear("a refutation of its death", about(name, "alive", first + 2), since);
    const { addr, port, meta, vsn, incarnation } = await own();
    const self = { type: "alive", node: name, addr, port, meta, vsn } as const;
    await check.tell({ ...self, incarnation });
    check.equal((await own()).incarnation, incarnation, "after the truth its incarnation");
    // Without metadata: ours tells its lives apart by it, and outlives a namesake.
    await check.tell({ ...self, incarnation: incarnation + 5, port: 1, meta: undefined });
    check.equal((await own()).incarnation, incarnation, "after a conflict its incarnation");
    await check.tell({ ...self, incarnation: incarnation + 5 });
    await raw.hear("a refutation of its life", about(name, "alive", incarnation + 6), since);
  });
}

/** ckit's states. */
async function declarations(check: Check): Promise<void> {
  const { raw, to, name } = check;
  const say = async (who: string, state: number, time: bigint) => {
    raw.declare(to, who, state, time);
    await check.settled();
  };
  await check.that("C-60: newer, equal and older news of a peer", async (since) => {
    await say("ghost", 1, 5n);
    check.equal(await check.listed("ghost"), "participant", "it");
    await raw.hear("the declaration", declares("ghost", 1, 5n), since);
    const later = performance.now();
    await say("ghost", 2, 5n);
    await say("ghost", 2, 4n);
    check.equal(await check.listed("ghost"), "participant", "it");
    const onward = await check.gossiped(later, ({ state }) => state?.newState === 2);
    check.equal(onward, false, "old news gossiped on");
  });
  await check.that("C-61 to C-63: news of itself", async (since) => {
    await say(name, 1, 100n);
    await raw.hear("a correction @102", declares(name, 0, 102n), since);
    check.equal(await check.listed(name), "viewer", "it");
    await say(name, 1, 102n);
    await raw.hear("a correction @104", declares(name, 0, 104n), since);
    const later = performance.now();
    await delay(900); // Until those before were told often enough.
    const quiet = performance.now();
    await say(name, 0, 104n);
    const onward = await check.gossiped(quiet, ({ state }) => state?.nodeName === name);
    check.equal(onward, false, `the truth, told ${later > quiet ? "early" : "again"}, corrected`);
  });
  await check.that("C-64: news of a stranger is kept until it comes", async (since) => {
    await say("stranger", 1, 200n);
    await raw.hear("it gossiped on", declares("stranger", 1, 200n), since);
    check.equal(await check.listed("stranger"), "no peer", "it");
    await check.tell(raw.alive("stranger", 1));
    check.equal(await check.listed("stranger"), "participant", "it");
  });
  await check.that("C-66: who comes back is a viewer", async () => {
    await check.tell({ type: "dead", node: "stranger", incarnation: 1, from: "stranger" });
    check.equal(await check.listed("stranger"), "no peer", "it");
    await check.tell(raw.alive("stranger", 2));
    check.equal(await check.listed("stranger"), "viewer", "it");
  });
  await check.that("C-65: a local state", async (since) => {
    const nodeStates = [
      { nodeName: "ghost", newState: 2, time: 300n },
      { nodeName: "nobody", newState: 1, time: 301n },
    ];
    await raw.pushPull(to, { userState: encodeLocalState({ currentTime: 400n, nodeStates }) });
    await raw.hear("news of the ghost", declares("ghost", 2, 300n), since);
    check.equal(await check.listed("ghost"), "terminating", "the ghost");
    const onward = await check.gossiped(since, ({ state }) => state?.nodeName === "nobody");
    check.equal(onward, false, "news of nobody gossiped on");
    const { currentTime } = decodeLocalState((await raw.pushPull(to)).userState);
    check.equal(`${currentTime}`, "401", "its clock");
  });
  await check.that("C-58: what is no declaration", async () => {
    for (const hex of ["", "12", "1201", "ddff0183", "12010083", "12019683", "120101c1"]) {
      raw.tell(to, { type: "user", payload: decodeHex(hex) });
    }
    await check.settled();
  });
}

/** Pings, asked directly and through it, and packets that are not as they should be. */
async function probes(check: Check): Promise<void> {
  const { raw, to, name } = check;
  await check.that("C-71, C-72: pings", async (since) => {
    raw.tell(to, raw.ping("somebody", 70));
    raw.tell(to, raw.ping("", 71));
    raw.tell(to, raw.ping(name, 72));
    await raw.hear("an ack to no name", acks(71), since);
    await raw.hear("an ack", acks(72), since);
    check.equal(await check.gossiped(since, acks(70)), false, "a ping for another answered");
  });
  await check.that("C-73, C-74: pings on behalf", async (since) => {
    raw.silent.add("mute");
    raw.tell(to, raw.indirectPing("raw", 80, true));
    raw.tell(to, raw.indirectPing("mute", 81, true));
    raw.tell(to, raw.indirectPing("mute", 82, false));
    await raw.hear("a relayed ack", acks(80), since);
    const nack = await raw.hear(
      "a nack",
      ({ message }) => message.type === "nack" && message.seqNo === 81,
      since,
    );
    if (nack.at - since < 1_900) throw new Error(`nack after ${nack.at - since} ms`);
    await delay(300);
    const answered = (seqNos: readonly number[]) =>
      raw.since(since).map((one) => one.message).filter((message) =>
        (message.type === "nack" || message.type === "ack") && seqNos.includes(message.seqNo)
      ).length;
    check.equal(answered([80, 81]), 2, "the number of answers");
    check.equal(answered([82]), 0, "the number of answers without nack");
  });
  await check.that("C-25: other forms of msgpack", async (since) => {
    const own = raw.alive("raw", 1);
    const text = new TextEncoder();
    const key = (word: string) => [0xd9, word.length, ...text.encode(word)];
    raw.tellBytes(
      to,
      Uint8Array.of(
        ...[0x00, 0xde, 0x00, 0x06],
        ...[...key("Unknown"), 0x93, 0x01, 0xc0, 0x80],
        ...[...key("SourcePort"), 0xd2, 0x00, 0x00, own.port >> 8, own.port & 0xff],
        ...[...key("SeqNo"), 0xcf, 0, 0, 0, 0, 0, 0, 0, 90],
        ...[...key("SourceAddr"), 0xc4, 0x04, ...own.addr],
        ...[...key("Node"), 0xda, 0, name.length, ...text.encode(name)],
        ...[...key("SourceNode"), 0xa3, ...text.encode("raw")],
      ),
    );
    await raw.hear("an ack", acks(90), since);
  });
  await check.that(
    "C-26, C-33 to C-37: packets that are dropped, in whole or in part",
    async (since) => {
      const ping = (seqNo: number) => encodeMessage(raw.ping(name, seqNo));
      const stranger = await RawNode.open({ label: "elsewhere", port: 0 });
      stranger.tellBytes(to, ping(91));
      raw.tellPacket(to, ping(92)); // without a label
      const label = Uint8Array.of(0xf4, 7, ...new TextEncoder().encode("interop"));
      raw.tellPacket(to, Uint8Array.of(...label, 0x0c, 1, 2, 3, 4, ...ping(93)));
      const negative = decodeHex("0082a44e6f6465a0a55365714e6fff"); // SeqNo -1
      const huge = decodeHex("0082a44e6f6465a0a55365714e6fcf0000000100000000"); // SeqNo 2^32
      for (
        const part of [negative, huge, Uint8Array.of(0xff), Uint8Array.of(7), Uint8Array.of(9)]
      ) {
        raw.tellBytes(to, part);
      }
      raw.tellBytes(to, negative, ping(94), Uint8Array.of(0xc1), ping(95));
      await raw.hear("an ack behind a bad part", acks(94), since);
      await raw.hear("an ack between bad parts", acks(95), since);
      for (const seqNo of [91, 92, 93]) {
        check.equal(await check.gossiped(since, acks(seqNo)), false, `ping ${seqNo} answered`);
      }
      await stranger.close();
    },
  );
}

/** What opens a stream. */
async function streams(check: Check): Promise<void> {
  const { raw, to, name } = check;
  const label = Uint8Array.of(0xf4, 7, ...new TextEncoder().encode("interop"));
  const ask = (...bytes: readonly number[]) =>
    raw.converse(to, Uint8Array.of(...label, ...bytes)).then((reply) => reply ?? "closed");
  const ping = { type: "ping", seqNo: 77, node: name } as const;
  const source = { sourceAddr: new Uint8Array(0), sourcePort: 0, sourceNode: "" };

  await check.that("C-45: a ping over a stream", async () => {
    check.equal(
      await raw.converse(to, raw.seal({ ...ping, ...source })),
      { type: "ack", seqNo: 77 },
      "the answer",
    );
  });
  await check.that("C-46, C-48, C-50: what is closed without a word", async () => {
    const other = raw.seal({ ...ping, ...source, node: "somebody" });
    check.equal(await raw.converse(to, other) ?? "closed", "closed", "a ping for another");
    check.equal(await ask(0xff), "closed", "type FF");
    check.equal(await ask(0x06, 0xc1), "closed", "a push/pull that is none");
  });
  await check.that("C-44: other clusters", async () => {
    const seal = (bytes: readonly number[]) =>
      raw.converse(to, Uint8Array.of(...bytes)).then((reply) => reply ?? "closed");
    const plain = encodeMessage(raw.ping(name, 78));
    check.equal(await seal([...plain]), "closed", "no label");
    check.equal(await seal([0xf4, 1, 0x78, ...plain]), "closed", "another label");
    check.equal(await seal([0xf4, 0, ...plain]), "closed", "an empty label");
  });
  await check.that("C-49: encrypted", async () => {
    const reply = await ask(0x0a, 0, 0, 0, 1, 0);
    const said = typeof reply === "object" && reply.type === "error" ? reply.error : reply;
    if (typeof said !== "string" || !/encrypt/.test(said)) {
      throw new Error(`the answer is ${JSON.stringify(said)}`);
    }
  });
  await check.that("C-47: a declaration over a stream", async (since) => {
    const payload = encodeStateMessage({ nodeName: "leaver", newState: 1, time: 500n });
    await raw.converse(to, raw.seal({ type: "user", payload }));
    await raw.hear("it gossiped on", declares("leaver", 1, 500n), since);
    check.equal(await check.listed("leaver"), "participant", "it");
  });
  await check.that("C-16: one byte a frame", async () => {
    const bytes = raw.seal({
      type: "pushPull",
      join: false,
      nodes: [raw.entry("raw")],
      userState: new Uint8Array(0),
    });
    check.equal((await raw.converse(to, bytes, 1))?.type, "pushPull", "the answer");
  });
  await check.that("C-53: versions that nobody speaks spoil the whole exchange", async () => {
    const vsn = Uint8Array.of(1, 5, 0, 0, 0, 0);
    await raw.pushPull(to, { nodes: [raw.entry("raw"), raw.entry("ancient", { vsn })] });
    await check.settled();
    check.equal(await check.record("ancient"), "unknown", "its record");
  });
}
