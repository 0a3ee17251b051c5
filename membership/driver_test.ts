import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import type { GossipEffect } from "../gossip/strategy.ts";
import { peer, pipe, settle } from "./_harness.ts";
import { bytes, setUp } from "./_harness_driver.ts";
import { OperationError } from "./driver.ts";

describe("Driver", () => {
  it("run() serves before it steps, and steps at once", async () => {
    const { driver, log, types } = setUp(() => [{ type: "peers", peers: [peer("a")] }]);
    driver.run();
    driver.run();
    assertEquals(log, ["serve", "peers a"]);
    assertEquals(types(), ["timeout"]);
    await driver.close(new Error("stopped"));
  });

  it("step() effects are performed in array order", async () => {
    const effects: GossipEffect[] = [
      { type: "send", to: "b", bytes: bytes(1), replaces: "probe" },
      { type: "counted", counter: "probe", by: 2 },
      { type: "exchange", exchange: 1, to: "c", bytes: bytes(0), timeoutMs: 10 },
      { type: "peers", peers: [peer("a"), peer("b")] },
      { type: "conflict", name: "x", known: "k", claimed: "c" },
      { type: "refused", refusal: { reason: "crc", detail: "" } },
      { type: "send", to: "d", bytes: bytes(2) },
    ];
    const { driver, log, transport } = setUp((input) => input.type === "timeout" ? effects : []);
    driver.run();
    assertEquals(log, [
      "serve",
      "send b",
      "counted probe 2",
      "dial c",
      "peers a,b",
      "conflict x",
      "refused crc",
      "send d",
    ]);
    assertEquals(transport.sent.map((sent) => sent.options), [{ replaces: "probe" }, undefined]);
    await driver.close(new Error("stopped"));
  });

  it("step() is never entered twice: what an effect causes waits for the effects after it", async () => {
    const order: string[] = [];
    const { driver, core, transport } = setUp((input) => {
      order.push(input.type === "packet" ? `packet ${input.bytes[0]}` : input.type);
      if (input.type !== "timeout") return [];
      return [
        { type: "send", to: "b", bytes: bytes(1) },
        { type: "send", to: "b", bytes: bytes(2) },
      ];
    });
    transport.onSend = (_to, sent) => {
      order.push(`sent ${sent[0]}`);
      transport.handlers!.packet(sent, "b");
    };
    driver.run();
    assertEquals(order, ["timeout", "sent 1", "sent 2", "packet 1", "packet 2"]);
    assert(!core.reentered);
    await driver.close(new Error("stopped"));
  });

  it("send() that throws is a fault of the transport and stops nothing", async () => {
    const { driver, transport, faults, log } = setUp((input) =>
      input.type === "timeout"
        ? [{ type: "send", to: "b", bytes: bytes(1) }, { type: "counted", counter: "probe", by: 1 }]
        : []
    );
    transport.onSend = () => {
      throw new Error("broken");
    };
    driver.run();
    assertEquals(faults.length, 1);
    assertEquals(log.at(-1), "counted probe 1");
    await driver.close(new Error("stopped"));
  });

  it("packets that wait are bounded, and the loss is counted", async () => {
    const { driver, transport, types } = setUp(
      (input) => input.type === "timeout" ? [{ type: "send", to: "b", bytes: bytes(1) }] : [],
      { maxWaitingPackets: 3 },
    );
    transport.onSend = () => {
      for (let i = 0; i < 5; i++) transport.handlers!.packet(bytes(i), "b");
    };
    driver.run();
    assertEquals(types(), ["timeout", "packet", "packet", "packet"]);
    assertEquals(driver.stats.packetsDropped, 2);
    transport.handlers!.packet(bytes(9), "b");
    assertEquals(types().length, 5);
    await driver.close(new Error("stopped"));
  });

  it("step() that throws is survived; its operation fails, its exchange is closed", async () => {
    const { driver, transport, faults, types } = setUp((input) => {
      if (input.type === "join" || input.type === "request") throw new Error("bug");
      return [];
    });
    driver.run();
    await assertRejects(() => driver.join(["b"]), Error, "bug");
    const [near, far] = pipe();
    transport.handlers!.connection(near);
    await far.write(bytes(1, 7));
    await settle();
    assertEquals(near.calls, ["close"]);
    transport.handlers!.packet(bytes(1), "b");
    assertEquals(types(), ["timeout", "join", "request", "packet"]);
    assertEquals(faults.length, 2);
    await driver.close(new Error("stopped"));
  });

  it("run() that cannot serve leaves it at rest", async () => {
    const { driver, transport, clock, types } = setUp();
    transport.serve = () => {
      throw new Error("Cannot serve as this transport serves already");
    };
    for (let attempt = 0; attempt < 2; attempt++) {
      assertThrows(() => driver.run(), Error, "serves already");
      assert(!driver.running);
    }
    assertEquals(types(), []);
    assertEquals(clock.pending, 0);
    await driver.close(new Error("stopped"));
  });

  it("a host that throws costs no effect and no input", async () => {
    const { driver, faults, transport, types } = setUp(
      (input) =>
        input.type === "timeout"
          ? [{ type: "peers", peers: [] }, { type: "send", to: "b", bytes: bytes(1) }]
          : [],
      {
        host: {
          peers: () => {
            throw new Error("broken host");
          },
          conflict: () => {},
          refused: () => {},
          counted: () => {},
          lagged: () => {},
          faulted: (error) => void faults.push(error),
        },
      },
    );
    driver.run();
    transport.handlers!.packet(bytes(1), "b");
    assertEquals(types(), ["timeout", "packet"]);
    assertEquals(transport.sent.length, 1);
    assertEquals(faults.map((error) => (error as Error).message), ["broken host"]);
    await driver.close(new Error("stopped"));
  });
});

describe("Driver time", () => {
  it("keeps one timer, for the deadline as it was after the last step", async () => {
    const { driver, core, clock, types } = setUp((input, now) => {
      if (input.type === "timeout") core.deadline = now + 100;
      if (input.type === "packet") core.deadline = now + 10;
      return [];
    });
    driver.run();
    assertEquals(clock.pending, 1);
    await clock.advance(99);
    assertEquals(types(), ["timeout"]);
    await clock.advance(1);
    assertEquals(types(), ["timeout", "timeout"]);
    assertEquals(core.instants, [1000, 1100]);
    await driver.close(new Error("stopped"));
    assertEquals(clock.pending, 0);
  });

  it("moves the timer when an input moves the deadline", async () => {
    const { driver, core, transport, clock } = setUp((input, now) => {
      core.deadline = input.type === "packet" ? now + 10 : Infinity;
      return [];
    });
    core.deadline = 5_000;
    driver.run();
    assertEquals(clock.pending, 0);
    transport.handlers!.packet(bytes(1), "b");
    await clock.advance(4);
    transport.handlers!.packet(bytes(2), "b");
    assertEquals(clock.pending, 1);
    await clock.advance(1_000);
    assertEquals(core.instants, [1000, 1000, 1004, 1014]);
    await driver.close(new Error("stopped"));
  });

  it("after a stall takes the packets that waited, in order, and then the timeout", async () => {
    const { driver, core, transport, clock, types } = setUp((input, now) => {
      if (input.type === "timeout") core.deadline = now + 100;
      return [];
    });
    driver.run();
    clock.stall(5_000);
    // The runtime fires the timer first and delivers what lay in the sockets one turn later.
    const delivered = clock.setTimer(0, () => {
      transport.handlers!.packet(bytes(1), "b");
      transport.handlers!.packet(bytes(2), "b");
    });
    await clock.advance(0);
    delivered();
    assertEquals(types(), ["timeout", "packet", "packet", "timeout"]);
    assertEquals(core.instants.at(-1), 6_000);
    assertEquals(driver.stats.lateTimers, 1);
    assertEquals(driver.stats.worstTimerLatenessMs, 4_900);
    await driver.close(new Error("stopped"));
  });

  it("an overdue timeout cannot be put off by packets that move the deadline", async () => {
    const { driver, core, transport, clock, types } = setUp((input, now) => {
      if (input.type === "timeout") core.deadline = now + 100;
      if (input.type === "packet") core.deadline -= 1;
      return [];
    });
    driver.run();
    clock.stall(5_000);
    transport.handlers!.packet(bytes(1), "b");
    transport.handlers!.packet(bytes(2), "b");
    assertEquals(clock.pending, 1);
    await clock.advance(0);
    assertEquals(types(), ["timeout", "packet", "packet", "timeout"]);
    await driver.close(new Error("stopped"));
  });
});

describe("Driver operations", () => {
  it("join(), changeState(), leave() settle with done and failed", async () => {
    const { driver, types } = setUp((input) => {
      if (!("operation" in input)) return [];
      const { operation } = input;
      if (input.type === "join") return [{ type: "done", operation, count: 2 }];
      return [{ type: "failed", operation, cause: "illegalState", error: "no" }];
    });
    driver.run();
    assertEquals((await driver.join(["b", "c"])).count, 2);
    const error = await assertRejects(() => driver.changeState("viewer"), OperationError, "no");
    assertEquals(error.reason, "illegalState");
    await assertRejects(() => driver.leave(), OperationError);
    assertEquals(types(), ["timeout", "join", "changeState", "leave"]);
    await driver.close(new Error("stopped"));
  });

  it("close() fails what is pending, ends the timer, closes the transport; then nothing steps", async () => {
    const { driver, core, transport, clock, types } = setUp();
    core.deadline = 2_000;
    driver.run();
    const pending = driver.join(["b"]);
    const [near, far] = pipe();
    transport.handlers!.connection(near);
    const reason = new Error("stopped");
    const failed = assertRejects(() => pending, Error, "stopped");
    await driver.close(reason);
    assertStrictEquals(await failed, reason);
    await assertRejects(() => far.read());
    transport.handlers!.packet(bytes(1), "b");
    const [late] = pipe();
    transport.handlers!.connection(late);
    assertEquals(late.calls, ["abort"]);
    assertEquals(clock.pending, 0);
    assertEquals(types(), ["timeout", "join"]);
    assert(transport.closed);
  });

  it("close() from within an effect ends the step", async () => {
    let closing: Promise<void> | undefined;
    const { driver, transport, log } = setUp((input) =>
      input.type === "timeout"
        ? [{ type: "send", to: "b", bytes: bytes(1) }, { type: "send", to: "c", bytes: bytes(1) }]
        : []
    );
    transport.onSend = () => {
      closing = driver.close(new Error("stopped"));
    };
    driver.run();
    await closing;
    assertEquals(log, ["serve", "send b", "close"]);
  });

  it("fail at once before run() and after close()", async () => {
    const { driver } = setUp();
    await assertRejects(() => driver.join(["b"]), Error, "not running");
    driver.run();
    await driver.close(new Error("stopped"));
    await assertRejects(() => driver.changeState("participant"), Error, "stopped");
    await assertRejects(() => driver.leave(), Error, "stopped");
  });
});
