import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { needs } from "../../tests/_needs.ts";
import { http2 } from "../../transport/http2.ts";
import { listen } from "../../transport/listen.ts";
import { memoryNetwork } from "../../transport/memory.ts";
import { shareTransport } from "../../transport/shared.ts";
import type { Transport } from "../../transport/transport.ts";
import type { SnapshotSink } from "../log_store.ts";
import type { Message } from "../message.ts";
import { entriesAfter } from "../wire/_harness_fuzz.ts";
import { bytesOf, type End, end, heartbeat, stored } from "./_harness.ts";

const isDeno = "Deno" in globalThis;

interface Pair {
  readonly a: End;
  readonly b: End;
  close(): Promise<void>;
}

const append = (term: number, count: number, bytes: number): Message => ({
  type: "append",
  from: "a",
  to: "b",
  term,
  prevIndex: 3,
  prevTerm: 1,
  commit: 3,
  entries: entriesAfter(3, count, bytes).map((entry) => ({ ...entry, term })),
});

function memoryPair(): Promise<Pair> {
  const network = memoryNetwork();
  const a = end({ transport: network.transport("a:1"), id: "a", address: "a:1" });
  const b = end({ transport: network.transport("b:1"), id: "b", address: "b:1" });
  a.raft.members(new Map([["a", "a:1"], ["b", "b:1"]]));
  return Promise.resolve({
    a,
    b,
    close: async () => {
      await a.raft.close();
      await b.raft.close();
    },
  });
}

async function http2Pair(): Promise<Pair> {
  const transports = [http2(), http2()] as const;
  const listeners = await Promise.all(transports.map(({ fetch }) => listen({ fetch })));
  const [addrA, addrB] = listeners.map(({ addr }) => addr) as [string, string];
  const a = end({ transport: transports[0], id: "a", address: addrA });
  const b = end({ transport: transports[1], id: "b", address: addrB });
  a.raft.members(new Map([["a", addrA], ["b", addrB]]));
  return {
    a,
    b,
    close: async () => {
      await a.raft.close();
      await b.raft.close();
      for (const listener of listeners) await listener.close();
    },
  };
}

const kinds = [
  { name: "memory", pair: memoryPair, needed: {} },
  { name: "HTTP/2", pair: http2Pair, needed: needs("net", "sys", "env", "read") },
];

describe("raft transport, news of commits", () => {
  it("travels with entries that follow soon; on Deno by itself", async () => {
    const network = memoryNetwork();
    const deferred: (() => void)[] = [];
    const a = end({
      transport: network.transport("a:1"),
      id: "a",
      address: "a:1",
      defer: (callback) => deferred.push(callback),
    });
    const b = end({ transport: network.transport("b:1"), id: "b", address: "b:1" });
    a.raft.members(new Map([["a", "a:1"], ["b", "b:1"]]));
    a.raft.send(append(5, 0, 0));
    a.raft.send(append(6, 1, 1));
    a.raft.send(append(7, 0, 0));
    for (let turn = 0; turn < 2; turn++) deferred.splice(0).forEach((callback) => callback());
    await b.until((line) => line === "append 7");
    assertEquals(b.heard, [...(isDeno ? ["append 5"] : []), "append 6", "append 7"]);
    a.raft.send(append(8, 0, 0));
    await a.raft.close();
    assertEquals(deferred.splice(0).length, isDeno ? 0 : 1);
    await b.raft.close();
  });
});

for (const { name, pair, needed } of kinds) {
  describe(`raft transport over ${name}`, needed, () => {
    it("carries messages in order, on their lanes", async () => {
      const { a, b, close } = await pair();
      for (let term = 5; term < 25; term++) a.raft.send(append(term, 10, 300));
      await b.until((line) => line === "append 24");
      a.raft.send(heartbeat(7));
      await b.until((line) => line === "heartbeat 7");
      const appends = b.messages.filter((one) => (one as Message).type === "append");
      assertEquals(appends, Array.from({ length: 20 }, (_, i) => append(5 + i, 10, 300)));
      await close();
    });

    it("answers a sender that the own configuration does not know", async () => {
      const { a, b, close } = await pair();
      a.raft.send(heartbeat(1));
      await b.until((line) => line === "heartbeat 1");
      b.raft.send({ type: "heartbeatReply", from: "b", to: "a", term: 1, round: 0 });
      await a.until((line) => line === "heartbeatReply 1");
      await close();
    });

    it("carries appends of megabytes, and drops them while the disk has enough to write", async () => {
      const { a, b, close } = await pair();
      for (let i = 0; i < 4; i++) a.raft.send(append(6 + i, 2, 2_000_000));
      await b.until((line) => line === "append 9");
      b.full = true;
      for (let i = 0; i < 4; i++) a.raft.send(append(20 + i, 2, 2_000_000));
      a.raft.send(append(30, 0, 0)); // a probe is no burden
      await b.until((line) => line === "append 30");
      assertEquals(b.raft.stats.appendsDropped, 4);
      assert(!b.heard.includes("append 23"));
      await close();
    });

    it("lets heartbeats pass megabytes of appends that were sent before", async () => {
      const { a, b, close } = await pair();
      a.raft.send(append(5, 1, 1));
      a.raft.send(heartbeat(1));
      await b.until((line) => line === "heartbeat 1");
      await b.until((line) => line === "append 5");
      for (let i = 0; i < 10; i++) a.raft.send(append(6 + i, 1, 3_000_000));
      a.raft.send(heartbeat(2));
      await b.until((line) => line === "append 15");
      const at = (line: string) => b.heard.indexOf(line);
      assert(at("heartbeat 2") >= 0 && at("heartbeat 2") < at("append 15"), b.heard.join());
      await close();
    });

    it("lets heartbeats pass a snapshot whose receiver's disk stands still", async () => {
      const { a, b, close } = await pair();
      const meta = await stored(a.snapshots, 8_000_000);
      const stuck = Promise.withResolvers<void>();
      let writes = 0;
      b.intake = async () => {
        const sink = await b.snapshots.receive(meta, { leader: "a", term: 3 });
        const slow: SnapshotSink = {
          meta,
          get offset() {
            return sink.offset;
          },
          write: async (chunk) => {
            writes++;
            await stuck.promise;
            await sink.write(chunk);
          },
          commit: (expected) => sink.commit(expected),
          abort: () => sink.abort(),
          suspend: () => sink.suspend(),
        };
        return { type: "sink", sink: slow };
      };
      const sending = a.raft.sendSnapshot(
        { type: "snapshot", from: "a", to: "b", term: 3, meta },
        (offset) => a.snapshots.read(meta.id, { offset }),
      );
      // Nothing more leaves once the window is full: as many heartbeats as it takes to be sure all arrive.
      for (let term = 1; term <= 50; term++) {
        a.raft.send(heartbeat(term));
        await b.until((line) => line === `heartbeat ${term}`);
      }
      assertEquals(writes, 1);
      assert(a.raft.stats.snapshotBytesSent <= 512 * 1024);
      stuck.resolve();
      await sending;
      assertEquals(await bytesOf(b.snapshots, meta.id), await bytesOf(a.snapshots, meta.id));
      await close();
    });

    it("hands commands on", async () => {
      const { a, b, close } = await pair();
      a.raft.forward("b", { type: "propose", request: 3, data: Uint8Array.of(1, 2, 3) });
      await b.until((line) => line === "propose 3 from a");
      b.raft.forward("a", { type: "proposeReply", request: 3, reason: "notLeader", leader: "" });
      await a.until((line) => line === "proposeReply 3 from b");
      await close();
    });

    it("sends snapshots, and resumes one that broke off", async () => {
      const { a, b, close } = await pair();
      const meta = await stored(a.snapshots, 1_234_567);
      const message = { type: "snapshot", from: "a", to: "b", term: 3, meta } as const;
      b.intake = async () => {
        const sink = await b.snapshots.receive(meta, { leader: "a", term: 3 });
        const full: SnapshotSink = {
          meta,
          get offset() {
            return sink.offset;
          },
          write: (chunk) =>
            sink.offset >= 500_000
              ? Promise.reject(new Error("the disk is full for a moment"))
              : sink.write(chunk),
          commit: (expected) => sink.commit(expected),
          abort: () => sink.abort(),
          suspend: () => sink.suspend(),
        };
        return { type: "sink", sink: full };
      };
      const failure = await assertRejects(() =>
        a.raft.sendSnapshot(message, (offset) => a.snapshots.read(meta.id, { offset }))
      );
      assert(String(failure).includes("full for a moment"));
      b.intake = undefined;
      const offsets: number[] = [];
      await a.raft.sendSnapshot(message, (offset) => {
        offsets.push(offset);
        return a.snapshots.read(meta.id, { offset });
      });
      assertEquals(offsets.length, 2, "it went on from what was there");
      assert(offsets[1]! >= 500_000);
      assertEquals(await bytesOf(b.snapshots, meta.id), await bytesOf(a.snapshots, meta.id));
      assertEquals(b.heard.filter((line) => line === `taken ${meta.id}`).length, 1);
      await close();
    });

    it("tells why a snapshot is refused", async () => {
      const { a, b, close } = await pair();
      const meta = await stored(a.snapshots, 1_000);
      b.intake = () => Promise.resolve({ type: "refused", detail: "not now" });
      const error = await assertRejects(() =>
        a.raft.sendSnapshot(
          { type: "snapshot", from: "a", to: "b", term: 3, meta },
          (offset) => a.snapshots.read(meta.id, { offset }),
        )
      );
      assert(String(error).includes("not now"));
      await close();
    });
  });
}

describe("raft transport hellos", () => {
  const meet = async (over: { cluster?: string; id?: string }) => {
    const network = memoryNetwork();
    const a = end({ transport: network.transport("a:1"), id: "a", address: "a:1" });
    const b = end({ transport: network.transport("b:1"), id: "b", address: "b:1", ...over });
    a.raft.members(new Map([["b", "b:1"]]));
    a.raft.send(heartbeat(1));
    const told = await a.until((line) => line.startsWith("refused"));
    await a.until((line) => line === "unreachable b");
    const seen = await b.until((line) => line.startsWith("refused"));
    assertEquals(b.messages, []);
    await a.raft.close();
    await b.raft.close();
    return { told, seen };
  };

  it("refuse another cluster", async () => {
    const { told, seen } = await meet({ cluster: "prod" });
    assertEquals(told, "refused cluster This is cluster 'prod', not 'test'");
    assertEquals(seen, "refused hello a at a:1: This is cluster 'prod', not 'test'");
  });

  it("refuse to be taken for another node", async () => {
    const { told } = await meet({ id: "c" });
    assertEquals(told, "refused wrongNode This is node 'c', not 'b'");
  });

  it("refuse what is no hello", async () => {
    const network = memoryNetwork();
    const b = end({ transport: network.transport("b:1"), id: "b", address: "b:1" });
    const peer = network.transport("x:1");
    const conn = await peer.dial("b:1");
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    await b.until((line) => line.startsWith("refused decode"));
    await b.raft.close();
    await peer.close();
  });
});

describe("raft transport queues", () => {
  it("are bounded: the newest is dropped and the member counts as unreachable", async () => {
    const network = memoryNetwork();
    const a = end({
      transport: network.transport("a:1"),
      id: "a",
      address: "a:1",
      limits: { maxAppendBytes: 10_000 },
    });
    network.hold("b:1");
    a.raft.members(new Map([["b", "b:1"]]));
    for (let i = 0; i < 8; i++) a.raft.send(append(6 + i, 1, 3_000));
    await a.until((line) => line === "unreachable b");
    const { queuedBytes, framesDropped } = a.raft.stats;
    assert(queuedBytes <= 10_000);
    assertEquals(framesDropped, 5);
    network.release("b:1");
    await a.raft.close();
  });

  it("reconnect to a member that comes back", async () => {
    const network = memoryNetwork();
    const limits = { minBackoffMs: 1, maxBackoffMs: 2 };
    const a = end({ transport: network.transport("a:1"), id: "a", address: "a:1", limits });
    a.raft.members(new Map([["b", "b:1"]]));
    await a.until((line) => line === "unreachable b");
    const b = end({ transport: network.transport("b:1"), id: "b", address: "b:1" });
    let term = 0;
    const beat = setInterval(() => a.raft.send(heartbeat(++term)), 1);
    await b.until((line) => line.startsWith("heartbeat"));
    clearInterval(beat);
    await a.raft.close();
    await b.raft.close();
  });

  it("give a stream up whose member went away", async () => {
    const { a, b, close } = await memoryPair();
    a.raft.send(heartbeat(1));
    await b.until((line) => line === "heartbeat 1");
    await b.raft.close();
    await a.until((line) => line === "unreachable b");
    await close();
  });
});

describe("a shared transport", () => {
  const check = async (pair: readonly [Transport, string, Transport, string]) => {
    const [one, addrA, two, addrB] = pair;
    const [sharedA, sharedB] = [shareTransport(one), shareTransport(two)];
    const gossiped = Promise.withResolvers<Uint8Array | undefined>();
    const packet = Promise.withResolvers<Uint8Array>();
    sharedB.gossip.serve({
      packet: (bytes) => packet.resolve(bytes),
      connection: async (conn) => gossiped.resolve(await conn.read()),
    });
    const a = end({ transport: sharedA.raft, id: "a", address: addrA });
    const b = end({ transport: sharedB.raft, id: "b", address: addrB });
    a.raft.members(new Map([["b", addrB]]));
    a.raft.send(heartbeat(4));
    await b.until((line) => line === "heartbeat 4");
    const conn = await sharedA.gossip.dial(addrB);
    await conn.write(Uint8Array.of(6, 1, 2));
    assertEquals(await gossiped.promise, Uint8Array.of(6, 1, 2));
    sharedA.gossip.send(addrB, Uint8Array.of(9));
    assertEquals(await packet.promise, Uint8Array.of(9));
    conn.abort();
    await sharedA.gossip.close();
    a.raft.send(heartbeat(5)); // the other half lives on
    await b.until((line) => line === "heartbeat 5");
    await a.raft.close();
    await b.raft.close();
    await sharedB.gossip.close();
    await assertRejects(() => one.dial(addrB));
  };

  it("serves gossip and raft over memory", async () => {
    const network = memoryNetwork();
    await check([network.transport("a:1"), "a:1", network.transport("b:1"), "b:1"]);
  });

  it("serves both over HTTP/2 on one port", needs("net", "sys", "env", "read"), async () => {
    const transports = [http2(), http2()] as const;
    const listeners = await Promise.all(transports.map(({ fetch }) => listen({ fetch })));
    await check([transports[0], listeners[0]!.addr, transports[1], listeners[1]!.addr]);
    for (const listener of listeners) await listener.close();
  });
});
