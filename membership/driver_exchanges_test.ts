import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import type { GossipEffect, GossipInput } from "../gossip/strategy.ts";
import type { Conn } from "../transport/transport.ts";
import { pipe, settle } from "./_harness.ts";
import { bytes, setUp } from "./_harness_driver.ts";

describe("Driver own exchanges", () => {
  const open: GossipEffect = {
    type: "exchange",
    exchange: 7,
    to: "b",
    bytes: bytes(1, 5),
    timeoutMs: 1_000,
  };
  const opening = (input: GossipInput) => input.type === "timeout" ? [open] : [];

  it("dials, writes, reads one whole reply and closes; the close keeps nobody waiting", async () => {
    const { driver, core, transport, clock } = setUp(opening);
    const [near, far] = pipe();
    near.lingering = new Promise(() => {});
    transport.onDial = () => Promise.resolve(near);
    driver.run();
    assertEquals(await far.read(), bytes(1, 5));
    await far.write(bytes(3, 1));
    await far.write(bytes(2, 3));
    await settle();
    assertEquals(core.inputs.at(-1), { type: "response", exchange: 7, bytes: bytes(3, 1, 2, 3) });
    assertEquals(near.calls, ["write", "close"]);
    await clock.advance(2_000);
    assertEquals(near.calls, ["write", "close", "abort"]);
    assertEquals(driver.stats.exchangesOpened, 1);
    assertEquals(driver.stats.exchangesFailed, 0);
    await driver.close(new Error("stopped"));
  });

  it("fails once, with a reason, when nobody answers the dial", async () => {
    const { driver, core, clock } = setUp(opening);
    driver.run();
    await settle();
    assertEquals(core.inputs.at(-1), {
      type: "exchangeFailed",
      exchange: 7,
      reason: "UnreachableError: Nobody is at b",
    });
    assertEquals(driver.stats.exchangesFailed, 1);
    assertEquals(clock.pending, 0);
    await driver.close(new Error("stopped"));
  });

  for (
    const [where, act] of [
      ["dialling", () => new Promise<Conn>(() => {})],
      ["writing", () => {
        const [near] = pipe();
        near.room = new Promise(() => {});
        return Promise.resolve(near);
      }],
      ["reading", () => Promise.resolve(pipe()[0])],
    ] as const
  ) {
    it(`fails after timeoutMs in all while ${where}`, async () => {
      const { driver, core, transport, clock, types } = setUp(opening);
      transport.onDial = act;
      driver.run();
      await clock.advance(999);
      assertEquals(types(), ["timeout"]);
      await clock.advance(1);
      assertEquals(types(), ["timeout", "exchangeFailed"]);
      assertEquals(
        core.inputs.at(-1),
        {
          type: "exchangeFailed",
          exchange: 7,
          reason: "TimeoutError: No reply within 1000 ms",
        },
      );
      assertEquals(clock.pending, 0);
      await driver.close(new Error("stopped"));
    });
  }

  it("resets a connection that opens after the limit", async () => {
    const { driver, transport, clock } = setUp(opening);
    const [near] = pipe();
    let dialled: (conn: Conn) => void = () => {};
    transport.onDial = () => new Promise((resolve) => dialled = resolve);
    driver.run();
    await clock.advance(1_000);
    dialled(near);
    await settle();
    assertEquals(near.calls, ["abort"]);
    await driver.close(new Error("stopped"));
  });

  it("fails when the stream ends, is reset, or carries what the reader refuses", async () => {
    for (
      const act of [
        (far: Conn) => far.close(),
        (far: Conn) => far.abort(),
        (far: Conn) => far.write(bytes(255)),
      ]
    ) {
      const { driver, transport, types } = setUp(opening);
      const [near, far] = pipe();
      transport.onDial = () => Promise.resolve(near);
      driver.run();
      await far.read();
      await act(far);
      await settle();
      assertEquals(types(), ["timeout", "exchangeFailed"]);
      assertEquals(near.calls.at(-1), "abort");
      await driver.close(new Error("stopped"));
    }
  });

  it("close() resets a stream that lingers, and waits for nothing", async () => {
    const { driver, transport, clock } = setUp(opening);
    const [near, far] = pipe();
    near.lingering = new Promise(() => {});
    transport.onDial = () => Promise.resolve(near);
    driver.run();
    await far.write(bytes(0));
    await settle();
    assertEquals(near.calls, ["write", "close"]);
    await driver.close(new Error("stopped"));
    assertEquals(near.calls, ["write", "close", "abort"]);
    assertEquals(clock.pending, 0);
  });

  it("close() resets what is open, and its failure reaches no core", async () => {
    const { driver, transport, types } = setUp(opening);
    const [near] = pipe();
    transport.onDial = () => Promise.resolve(near);
    driver.run();
    await settle();
    await driver.close(new Error("stopped"));
    assertEquals(near.calls, ["write", "abort"]);
    assertEquals(types(), ["timeout"]);
  });

  it("close() at whatever instant around the reply leaves no timer and no stream", async () => {
    for (let turns = 0; turns < 12; turns++) {
      const { driver, transport, clock } = setUp((input) => input.type === "timeout" ? [open] : []);
      const [near, far] = pipe();
      near.lingering = new Promise(() => {});
      transport.onDial = () => Promise.resolve(near);
      driver.run();
      await settle();
      void far.write(bytes(0));
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      await driver.close(new Error("stopped"));
      await settle();
      assertEquals(clock.pending, 0, `after ${turns} turns`);
      assertEquals(near.calls.at(-1), "abort", `after ${turns} turns`);
    }
  });

  it("counts reads and writes, and those that failed", async () => {
    const { driver, transport } = setUp((input) =>
      input.type === "timeout" ? [open, { ...open, exchange: 8 }] : []
    );
    const [near, far] = pipe();
    const [other, broken] = pipe();
    const conns = [near, other];
    transport.onDial = () => Promise.resolve(conns.shift()!);
    driver.run();
    await settle();
    void far.write(bytes(0));
    broken.abort();
    await settle();
    const { connectionReads, connectionReadsFailed, connectionWrites, connectionWritesFailed } =
      driver.stats;
    assertEquals([connectionReads, connectionReadsFailed], [2, 1]);
    assertEquals([connectionWrites, connectionWritesFailed], [2, 0]);
    await driver.close(new Error("stopped"));
  });
});

describe("Driver accepted exchanges", () => {
  it("reads the request, replies, and reports the reply only after it was written", async () => {
    const order: string[] = [];
    const { driver, core, transport } = setUp((input) => {
      order.push(input.type);
      if (input.type !== "request") return [];
      return [{ type: "reply", exchange: input.exchange, bytes: bytes(1, 9) }];
    });
    driver.run();
    const [near, far] = pipe();
    let makeRoom: () => void = () => {};
    near.room = new Promise((resolve) => makeRoom = resolve);
    transport.handlers!.connection(near);
    assertEquals(near.readDeadlineMs, 2_000);
    await far.write(bytes(2));
    await far.write(bytes(4, 5));
    await settle();
    assertEquals(core.inputs.at(-1), { type: "request", exchange: 1, bytes: bytes(2, 4, 5) });
    assertEquals(near.readDeadlineMs, undefined);
    assertEquals(order, ["timeout", "request"]);
    makeRoom();
    assertEquals(await far.read(), bytes(1, 9));
    await settle();
    assertEquals(core.inputs.at(-1), { type: "replied", exchange: 1, ok: true });
    assertEquals(near.calls, ["write", "close"]);
    assertEquals(await far.read(), undefined);
    await driver.close(new Error("stopped"));
  });

  it("reports a reply that could not be written", async () => {
    const { driver, core, transport, log } = setUp((input) =>
      input.type === "request"
        ? [{ type: "reply", exchange: input.exchange, bytes: bytes(1, 9) }]
        : []
    );
    driver.run();
    const [near, far] = pipe();
    let makeRoom: () => void = () => {};
    near.room = new Promise((resolve) => makeRoom = resolve);
    transport.handlers!.connection(near);
    await far.write(bytes(1, 1));
    await settle();
    far.abort();
    makeRoom();
    await settle();
    assertEquals(core.inputs.at(-1), { type: "replied", exchange: 1, ok: false });
    assertEquals(log.at(-1), "refused stream");
    await driver.close(new Error("stopped"));
  });

  it("a reply that is not taken in time is reset and reported", async () => {
    const { driver, core, transport, clock } = setUp((input) =>
      input.type === "request"
        ? [{ type: "reply", exchange: input.exchange, bytes: bytes(1, 9) }]
        : []
    );
    driver.run();
    const [near, far] = pipe();
    near.room = new Promise((resolve) => void clock.setTimer(10_001, resolve));
    transport.handlers!.connection(near);
    await far.write(bytes(1, 1));
    await clock.advance(10_001);
    assertEquals(core.inputs.at(-1), { type: "replied", exchange: 1, ok: false });
    assertEquals(near.calls, ["write", "abort"]);
    await driver.close(new Error("stopped"));
  });

  it("hangs up without an input", async () => {
    const { driver, transport, types } = setUp((input) =>
      input.type === "request" ? [{ type: "hangUp", exchange: input.exchange }] : []
    );
    driver.run();
    const [near, far] = pipe();
    transport.handlers!.connection(near);
    await far.write(bytes(1, 1));
    assertEquals(await far.read(), undefined);
    await settle();
    assertEquals(near.calls, ["close"]);
    assertEquals(types(), ["timeout", "request"]);
    await driver.close(new Error("stopped"));
  });

  it("a broken request is refused and never reaches the core", async () => {
    for (
      const act of [
        (far: Conn) => far.close(),
        (far: Conn) => far.abort(),
        (far: Conn) => far.write(bytes(255)),
      ]
    ) {
      const { driver, transport, types, log } = setUp();
      driver.run();
      const [near, far] = pipe();
      transport.handlers!.connection(near);
      await act(far);
      await settle();
      assertEquals(types(), ["timeout"]);
      assertEquals(log.at(-1), "refused stream");
      assertEquals(near.calls, ["abort"]);
      assertEquals(driver.stats.exchangesRefused, 1);
      await driver.close(new Error("stopped"));
    }
  });

  it("an exchange that the core never answers is reset", async () => {
    const { driver, transport, clock, types } = setUp();
    driver.run();
    const [near, far] = pipe();
    transport.handlers!.connection(near);
    await far.write(bytes(1, 1));
    await clock.advance(10_000);
    assertEquals(near.calls, ["abort"]);
    assertEquals(types(), ["timeout", "request"]);
    assertEquals(clock.pending, 0);
    await driver.close(new Error("stopped"));
  });

  it("more open exchanges than allowed are refused", async () => {
    const { driver, transport, log } = setUp(() => [], { maxAcceptedExchanges: 2 });
    driver.run();
    const ends = [pipe(), pipe(), pipe()];
    for (const [near] of ends) transport.handlers!.connection(near);
    assertEquals(ends.map(([near]) => near.calls), [[], [], ["abort"]]);
    assertEquals(log.at(-1), "refused exchanges");
    await driver.close(new Error("stopped"));
  });
});
