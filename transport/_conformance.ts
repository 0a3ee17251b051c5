/**
 * What every transport must do. Run with {@link transportConformance} from the transport's own test file.
 *
 * @module
 */
import { describe, it } from "node:test";
import {
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { deadline, delay } from "@std/async";
import {
  Arrivals,
  type Fixture,
  PATIENCE_MS,
  pattern,
  readAll,
  readExactly,
  until,
} from "./_harness_conformance.ts";
import { needs, type Permission } from "../tests/_needs.ts";
import { type Conn, ConnResetError, UnreachableError } from "./transport.ts";

/** Options of {@link transportConformance}. */
export interface ConformanceOptions {
  /** Creates a fixture with fresh transports. */
  readonly create: () => Promise<Fixture>;
  /** Criteria that do not hold, each with its reason. */
  readonly deviations?: Readonly<Record<string, string>>;
  /** What the transport needs. Default: nothing. */
  readonly permissions?: readonly Permission[];
}

/** Registers the criteria as tests. */
export function transportConformance(name: string, options: ConformanceOptions): void {
  const { create, deviations = {}, permissions = [] } = options;
  const needed = needs(...permissions);

  function criterion(title: string, check: (fixture: Fixture) => Promise<void>): void {
    const skip = deviations[title];
    it(title, skip === undefined ? {} : { skip }, async () => {
      const fixture = await create();
      try {
        await check(fixture);
      } finally {
        await fixture.close();
      }
    });
  }

  /** A connection and its accepted end. */
  async function connected(
    { a, b, addrB }: Fixture,
    dialOptions = {},
  ): Promise<readonly [Conn, Conn]> {
    const arrivals = new Arrivals(b);
    const dialled = await deadline(a.dial(addrB, dialOptions), PATIENCE_MS);
    return [dialled, await arrivals.conn()];
  }

  describe(`${name}: packets`, needed, () => {
    criterion("send() delivers packets of any size, whole", async ({ a, b, addrB }) => {
      const arrivals = new Arrivals(b);
      for (const length of [0, 1, 65_535, 65_536, 1_048_576]) {
        a.send(addrB, pattern(length));
        assertEquals(await arrivals.packet(), pattern(length));
      }
    });

    criterion("send() keeps the order per destination", async ({ a, b, addrB }) => {
      const arrivals = new Arrivals(b);
      const lengths = Array.from({ length: 200 }, (_, i) => i % 50 === 49 ? 70_000 + i : i);
      for (const length of lengths) a.send(addrB, pattern(length));
      for (const length of lengths) assertEquals((await arrivals.packet()).length, length);
    });

    criterion("send() copies: the sender may reuse its bytes", async ({ a, b, addrB }) => {
      const arrivals = new Arrivals(b);
      const bytes = pattern(100);
      a.send(addrB, bytes);
      bytes.fill(0);
      assertEquals(await arrivals.packet(), pattern(100));
    });

    criterion("packet() hands over bytes that are the receiver's", async ({ a, b, addrB }) => {
      const arrivals = new Arrivals(b);
      a.send(addrB, pattern(10));
      a.send(addrB, pattern(11));
      const first = await arrivals.packet();
      assertEquals(first.buffer.byteLength, first.length);
      first.fill(0);
      assertEquals(await arrivals.packet(), pattern(11));
    });

    criterion("send() with replaces takes the waiting packet's place", async ({ a, b, addrB }) => {
      const arrivals = new Arrivals(b);
      a.send(addrB, Uint8Array.of(1), { replaces: "state" });
      a.send(addrB, Uint8Array.of(2));
      a.send(addrB, Uint8Array.of(3), { replaces: "state" });
      assertEquals(await arrivals.packet(), Uint8Array.of(3));
      assertEquals(await arrivals.packet(), Uint8Array.of(2));
      assertEquals(a.stats.packetsReplaced, 1);
    });

    criterion("send() to nobody fails unheard", async ({ a, nobody }) => {
      a.send(nobody, Uint8Array.of(1));
      a.send("no address at all", Uint8Array.of(1));
      await until(() => a.stats.packetsFailed === 2);
      assertEquals(a.stats.packetsSent, 0);
    });

    criterion(
      "send() drops the oldest of 1001 packets to a peer that hangs, and others go on (C-18)",
      async ({ a, b, addrB, hanging }) => {
        const arrivals = new Arrivals(b);
        for (let i = 0; i < 1_001; i++) a.send(hanging, Uint8Array.of(i));
        assertEquals(a.stats.packetsDropped, 1);
        a.send(addrB, Uint8Array.of(7));
        assertEquals(await arrivals.packet(), Uint8Array.of(7));
        await until(() => a.stats.packetsSent === 1);
        assertGreater(a.stats.queuedPackets, 900);
      },
    );

    criterion("send() to a transport that does not serve fails", async ({ a, b, addrB }) => {
      a.send(addrB, Uint8Array.of(1));
      await until(() => a.stats.packetsFailed === 1);
      assertEquals(b.stats.requestsRefused, 1);
    });

    criterion("stats count packets and their bytes", async ({ a, b, addrB }) => {
      const arrivals = new Arrivals(b);
      for (const length of [10, 20, 70_000]) {
        a.send(addrB, pattern(length));
        await arrivals.packet();
      }
      await until(() => a.stats.packetsSent === 3);
      assertEquals(a.stats.bytesSent, 70_030);
      assertEquals(b.stats.packetsReceived, 3);
      assertEquals(b.stats.bytesReceived, 70_030);
      assertEquals(a.stats.packetsFailed, 0);
    });
  });

  describe(`${name}: connections`, needed, () => {
    criterion("dial() opens a stream of bytes both ways", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      assertEquals(dialled.remoteAddr, fixture.addrB);
      await dialled.write(pattern(100));
      assertEquals(await readExactly(accepted, 100), pattern(100));
      await accepted.write(pattern(200));
      assertEquals(await readExactly(dialled, 200), pattern(200));
    });

    criterion("dial() succeeds before either end has written", async (fixture) => {
      const [dialled, accepted] = await connected(fixture, { timeoutMs: 5_000 });
      await accepted.write(Uint8Array.of(1)); // The acceptor may speak first.
      assertEquals(await readExactly(dialled, 1), Uint8Array.of(1));
    });

    criterion("write() carries single bytes (C-16)", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      const bytes = pattern(300);
      const writing = (async () => {
        for (const byte of bytes) await dialled.write(Uint8Array.of(byte));
      })();
      assertEquals(await readExactly(accepted, 300), bytes);
      await writing;
    });

    criterion("write() carries nothing for no bytes", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      await dialled.write(new Uint8Array());
      await dialled.write(Uint8Array.of(5));
      assertEquals(await deadline(accepted.read(), PATIENCE_MS), Uint8Array.of(5));
    });

    criterion("write() waits for a reader that does not read", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      const chunk = pattern(65_536);
      const chunks = 256; // 16 MiB: more than any buffer on the way.
      let written = 0;
      const writing = (async () => {
        for (; written < chunks; written++) await dialled.write(chunk);
        await dialled.close();
      })();
      for (let before = -1; before !== written;) {
        before = written;
        await delay(100);
      }
      assertLess(written, chunks, "Nothing held the writer back");
      const all = await readAll(accepted);
      await writing;
      assertEquals(all.length, chunks * chunk.length);
      for (let at = 0; at < all.length; at += chunk.length * 16) {
        assertEquals(all.subarray(at, at + chunk.length), chunk);
      }
    });

    criterion("write() of 4 MiB arrives whole, both ways at once", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      const bytes = pattern(4 * 1024 * 1024);
      const [, , there, back] = await Promise.all([
        dialled.write(bytes),
        accepted.write(bytes),
        readExactly(accepted, bytes.length),
        readExactly(dialled, bytes.length),
      ]);
      assertEquals(there, bytes);
      assertEquals(back, bytes);
    });

    criterion("close() by the dialler ends the acceptor's reads", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      await dialled.write(pattern(1_000));
      await dialled.close();
      assertEquals(await readAll(accepted), pattern(1_000));
      await accepted.close();
    });

    criterion("close() by the acceptor ends the dialler's reads", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      const answering = accepted.write(pattern(100_000)).then(() => accepted.close());
      assertEquals(await readAll(dialled), pattern(100_000));
      await answering;
      await dialled.close();
    });

    criterion("close() refuses further use and is idempotent", async (fixture) => {
      const [dialled] = await connected(fixture);
      await dialled.close();
      await dialled.close();
      await assertRejects(() => dialled.write(Uint8Array.of(1)), ConnResetError);
      await assertRejects(() => dialled.read(), ConnResetError);
      dialled.abort();
    });

    criterion("close() lets go of both ends", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      assertEquals(fixture.a.stats.openConnections, 1);
      assertEquals(fixture.b.stats.openConnections, 1);
      await dialled.close();
      await accepted.close();
      await until(() => fixture.a.stats.openConnections === 0);
      await until(() => fixture.b.stats.openConnections === 0);
      assertEquals(fixture.a.stats.connectionsOpened, 1);
      assertEquals(fixture.b.stats.connectionsAccepted, 1);
    });

    criterion("abort() by the dialler fails the acceptor's reads", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      await dialled.write(Uint8Array.of(1));
      await readExactly(accepted, 1);
      const reading = assertRejects(() => deadline(accepted.read(), PATIENCE_MS), ConnResetError);
      dialled.abort();
      await reading;
      await assertRejects(() => dialled.read(), ConnResetError);
      await assertRejects(() => dialled.write(Uint8Array.of(1)), ConnResetError);
    });

    criterion("abort() by the acceptor fails the dialler's reads", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      await accepted.write(Uint8Array.of(1));
      await readExactly(dialled, 1);
      const reading = assertRejects(() => deadline(dialled.read(), PATIENCE_MS), ConnResetError);
      accepted.abort(new Error("enough"));
      await reading;
      await assertRejects(() => accepted.read(), ConnResetError);
    });

    criterion("abort() releases a writer that waits", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      const writing = assertRejects(async () => {
        for (;;) await dialled.write(new Uint8Array(65_536));
      }, ConnResetError);
      await delay(50);
      accepted.abort();
      await deadline(writing, PATIENCE_MS);
    });

    criterion("setReadDeadline() ends a read under way, and can be lifted", async (fixture) => {
      const [dialled, accepted] = await connected(fixture);
      const reading = assertRejects(
        () => deadline(accepted.read(), PATIENCE_MS),
        DOMException,
        "deadline",
      );
      accepted.setReadDeadline(20);
      await reading;
      const late = await assertRejects(() => accepted.read(), DOMException);
      assertEquals(late.name, "TimeoutError");
      accepted.setReadDeadline(undefined);
      await dialled.write(Uint8Array.of(9));
      assertEquals(await readExactly(accepted, 1), Uint8Array.of(9));
    });

    criterion("dial() limits the life of the connection", async (fixture) => {
      const [dialled, accepted] = await connected(fixture, { timeoutMs: 200 });
      await assertRejects(() => deadline(dialled.read(), PATIENCE_MS), ConnResetError);
      await assertRejects(() => deadline(accepted.read(), PATIENCE_MS), ConnResetError);
    });

    criterion("dial() ends the connection when its signal aborts", async (fixture) => {
      const abort = new AbortController();
      const [dialled, accepted] = await connected(fixture, { signal: abort.signal });
      abort.abort();
      await assertRejects(() => deadline(dialled.read(), PATIENCE_MS), ConnResetError);
      await assertRejects(() => deadline(accepted.read(), PATIENCE_MS), ConnResetError);
    });

    criterion("dial() to nobody rejects", async ({ a, nobody }) => {
      const error = await assertRejects(() => a.dial(nobody), UnreachableError);
      assertEquals(error.address, nobody);
      assertEquals(a.stats.openConnections, 0);
    });

    criterion("dial() rejects in time when the peer hangs", async ({ a, hanging }) => {
      await assertRejects(
        () => deadline(a.dial(hanging, { timeoutMs: 100 }), PATIENCE_MS),
        UnreachableError,
      );
    });

    criterion("dial() rejects with the signal's reason", async ({ a, hanging }) => {
      const abort = new AbortController();
      const dialling = assertRejects(() => a.dial(hanging, { signal: abort.signal }), RangeError);
      setTimeout(() => abort.abort(new RangeError("enough")), 20);
      await deadline(dialling, PATIENCE_MS);
      await assertRejects(() => a.dial(hanging, { signal: abort.signal }), RangeError);
    });

    criterion("dial() to a transport that does not serve rejects", async ({ a, addrB }) => {
      await assertRejects(() => deadline(a.dial(addrB), PATIENCE_MS), UnreachableError);
    });
  });

  describe(`${name}: life`, needed, () => {
    criterion("serve() works once", async ({ b }) => {
      new Arrivals(b);
      assertThrows(() => new Arrivals(b), Error, "Cannot serve");
      await b.close();
    });

    criterion("close() refuses everything (C-13)", async ({ a, b, addrB }) => {
      new Arrivals(b);
      const dialled = await a.dial(addrB);
      await b.close();
      await b.close();
      await assertRejects(() => deadline(dialled.read(), PATIENCE_MS), ConnResetError);
      await assertRejects(() => deadline(a.dial(addrB), PATIENCE_MS), UnreachableError);
      a.send(addrB, Uint8Array.of(1));
      await until(() => a.stats.packetsFailed === 1);
      b.send(addrB, Uint8Array.of(1));
      await assertRejects(() => b.dial(addrB), UnreachableError);
      assertEquals(b.stats.packetsReceived, 0);
    });

    criterion(
      "close() drops what waits and ends what is dialled",
      async ({ a, b, addrB, hanging }) => {
        new Arrivals(b);
        const dialled = await a.dial(addrB);
        const dialling = assertRejects(() => a.dial(hanging), UnreachableError);
        for (let i = 0; i < 10; i++) a.send(hanging, Uint8Array.of(i));
        await a.close();
        await deadline(dialling, PATIENCE_MS);
        assertInstanceOf(
          await assertRejects(() => deadline(dialled.read(), PATIENCE_MS)),
          ConnResetError,
        );
        assertEquals(a.stats.queuedPackets, 0);
        assertEquals(a.stats.packetsDropped + a.stats.packetsFailed, 10);
      },
    );
  });
}
