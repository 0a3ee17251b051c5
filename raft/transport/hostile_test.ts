import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { fuzzInput, seededRandom } from "../../gossip/swim/wire/_harness_fuzz.ts";
import { needs } from "../../tests/_needs.ts";
import { http2 } from "../../transport/http2.ts";
import { listen } from "../../transport/listen.ts";
import type { Conn } from "../../transport/transport.ts";
import { Journal, line } from "../_harness_nodes.ts";
import type { Message } from "../message.ts";
import { RaftNode } from "../raft_node.ts";
import { MemorySnapshotStore } from "../snapshot/memory_snapshot_store.ts";
import { encodeCommand } from "../driver/command.ts";
import { MemoryLogStore } from "../wal/memory_log_store.ts";
import { frameOf, MESSAGES, wireBytes } from "../wire/_harness_fuzz.ts";
import { writeU32 } from "../wire/byte_writer.ts";
import { decodeHelloReply, encodeHello, type Hello } from "../wire/hello.ts";
import { encodeMessage } from "../wire/messages_codec.ts";
import { encodeForwarded } from "../wire/proposal_codec.ts";
import { heartbeat } from "./_harness.ts";
import { FrameReader } from "./frames.ts";

const HELLO: Hello = {
  versions: [1, 1],
  lane: "control",
  cluster: "test",
  from: "a",
  to: "b",
  address: "127.0.0.1:1",
  storage: "",
};

/** A group of one, over HTTP/2, and somebody with its own opinion of the protocol. */
async function world() {
  const transport = http2();
  const listener = await listen({ fetch: transport.fetch });
  const journal = new Journal();
  const node = await RaftNode.open<number>({
    id: "b",
    clusterName: "test",
    address: listener.addr,
    transport,
    log: new MemoryLogStore(),
    snapshots: new MemorySnapshotStore(),
    stateMachine: journal,
    bootstrap: [{ id: "b", address: listener.addr }],
    heartbeatIntervalMs: 30,
    electionTimeoutMs: 100,
    maxCommandBytes: 10_000,
  });
  for await (const { role } of node.watch()) if (role === "leader") break;
  const hostile = http2();
  /** Opens a stream as a member does, with this hello. */
  const stream = async (over: Partial<Hello> = {}): Promise<Conn> => {
    const conn = await hostile.dial(listener.addr);
    await conn.write(encodeHello({ ...HELLO, lane: "append", ...over }));
    const reply = await new FrameReader(conn).next();
    assertEquals(decodeHelloReply(reply!).ok, true);
    return conn;
  };
  /** Resolves once the node has refused something for this reason, `times` in all. */
  const refused = (reason: string, times: number) => {
    const count = () => node.stats.refused[reason] ?? 0;
    return new Promise<void>((resolve) => {
      const look = () => {
        if (count() < times) return;
        node.events.removeEventListener("refused", look);
        resolve();
      };
      node.events.addEventListener("refused", look);
      look();
    });
  };
  return {
    node,
    stream,
    refused,
    hostile,
    addr: listener.addr,
    close: async () => {
      const { term } = node.status;
      const { result } = await node.propose(line("unharmed"));
      assertEquals([result, node.status.role, node.status.term], [1, "leader", term]);
      await hostile.close();
      await node.close();
      await listener.close();
    },
  };
}

/** Whether the other end has ended a stream. */
async function ended(conn: Conn): Promise<boolean> {
  try {
    return await conn.read() === undefined;
  } catch {
    return true;
  }
}

const good = MESSAGES.map((message) => wireBytes(encodeMessage(message)));

/** A frame with one thing that is not right. */
function broken(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = wireBytes(encodeMessage(heartbeat(3)));
  change(bytes);
  return bytes;
}

describe("a Raft stream with a hostile end", needs("net", "sys", "env", "read"), () => {
  it("is closed and counted at the first frame that is none, and the node goes on", async () => {
    const { stream, refused, close } = await world();
    const random = seededRandom(20_261);
    const isFrame = (bytes: Uint8Array) => {
      try {
        return frameOf(bytes) !== undefined;
      } catch {
        return false;
      }
    };
    const frames: Uint8Array[] = [];
    while (frames.length < 40) {
      const bytes = fuzzInput(good, random);
      // With bytes behind it, what a frame lacks is there, and what it announces is not what comes.
      if (bytes.length > 0 && !isFrame(bytes)) frames.push(bytes);
    }
    let times = 0;
    const filler = new Uint8Array(70_000).fill(0x11);
    for (const bytes of frames) {
      const conn = await stream();
      conn.write(bytes).catch(() => {});
      conn.write(filler).catch(() => {});
      conn.close().catch(() => {});
      await ended(conn);
      times++;
      conn.abort();
    }
    assertEquals(times, 40);
    // Those that announced more than came ended as broken streams, which is no fault of a codec.
    const conn = await stream();
    await conn.write(broken((bytes) => bytes[19]! ^= 1));
    await refused("decode", 20);
    assert(await ended(conn));
    await close();
  });

  it("is closed at a frame of another version, type, lane or length", async () => {
    const { stream, refused, close } = await world();
    const faults: readonly Uint8Array[] = [
      broken((bytes) => bytes[0] = 0x50),
      broken((bytes) => bytes[1] = 9),
      broken((bytes) => bytes[2] = 99),
      broken((bytes) => bytes[3] = 0xff),
      broken((bytes) => writeU32(bytes, 4, 0xffff_ffff)),
      broken((bytes) => writeU32(bytes, 8, 0xffff_ffff)),
      encodeHello(HELLO),
    ];
    for (let i = 0; i < faults.length; i++) {
      const conn = await stream();
      await conn.write(faults[i]!);
      await refused("decode", i + 1);
      assert(await ended(conn), `fault ${i}`);
    }
    const snapshot = await stream({ lane: "control" });
    await snapshot.write(good[11]!); // a snapshot belongs on a stream of its own
    await refused("stream", 1);
    assert(await ended(snapshot));
    await close();
  });

  it("goes on after a sound frame that says what cannot be, which is counted", async () => {
    const { stream, refused, node, close } = await world();
    const conn = await stream();
    const { term } = node.status;
    const impossible: readonly Message[] = [
      heartbeat(0),
      heartbeat(2 ** 53 - 1),
      heartbeat(2 ** 52 + 1),
      {
        type: "vote",
        from: "a",
        to: "b",
        term: 5,
        lastIndex: 1,
        lastTerm: 6,
        preVote: false,
        transfer: false,
      },
      {
        type: "append",
        from: "a",
        to: "b",
        term: 5,
        prevIndex: 2 ** 53 - 1,
        prevTerm: 6,
        commit: 0,
        entries: [],
      },
      {
        type: "append",
        from: "a",
        to: "b",
        term: 5,
        prevIndex: 0,
        prevTerm: 3,
        commit: 0,
        entries: [],
      },
    ];
    for (const message of impossible) await conn.write(wireBytes(encodeMessage(message)));
    await conn.write(
      wireBytes(encodeForwarded({ type: "propose", request: 1, data: Uint8Array.of(0, 1) }, 1)),
    );
    const command = encodeCommand(line("a stranger's"), { client: "x", sequence: 1 });
    await conn.write(wireBytes(encodeForwarded({ type: "propose", request: 2, data: command }, 1)));
    await refused("forwarded", 2); // without a session it could be applied twice; and `a` is no member
    assertEquals(node.stats.refused, { malformed: impossible.length, forwarded: 2 });
    assertEquals(node.status.term, term);
    assertEquals(node.stats.transport.streamsAccepted, 1);
    conn.abort();
    await close();
  });

  it("does not begin with another name of the cluster or the receiver, or another version", async () => {
    const { node, hostile, addr, refused, close } = await world();
    const attempts = [{ cluster: "prod" }, { to: "c" }, { from: "b" }, {
      versions: [7, 9] as const,
    }];
    for (let i = 0; i < attempts.length; i++) {
      const conn = await hostile.dial(addr);
      await conn.write(encodeHello({ ...HELLO, ...attempts[i] }));
      await conn.write(wireBytes(encodeMessage(heartbeat(99))));
      const reply = decodeHelloReply((await new FrameReader(conn).next())!);
      assertEquals(reply.ok, false);
      await refused("hello", i + 1);
      assert(await ended(conn));
    }
    assertEquals(node.stats.transport.framesReceived, 0);
    await close();
  });
});
