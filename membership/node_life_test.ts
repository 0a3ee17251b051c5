import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { PeerState } from "../shard/peer.ts";
import {
  keptLog,
  RecordingTransport,
  scripted,
  ScriptedCore,
  settle,
  VirtualClock,
} from "./_harness.ts";
import { addressOf, names, states, worlds } from "./_harness_world.ts";
import { StateTransitionError, StoppedError } from "./errors.ts";
import { Node } from "./node.ts";

for (const [protocol, world] of worlds) {
  describe(`${protocol}: Node.changeState()`, () => {
    it("allows only the next state", async () => {
      const { create, during, end } = world();
      const a = create("a");
      await during(a.start([]));
      const forbidden = async (to: PeerState) => {
        const error = await assertRejects(() => during(a.changeState(to)), StateTransitionError);
        assertEquals([error.from, error.to], [a.currentState, to]);
      };
      await forbidden("viewer");
      await forbidden("terminating");
      await during(a.changeState("participant"));
      await forbidden("participant");
      await forbidden("viewer");
      await during(a.changeState("terminating"));
      await forbidden("participant");
      assertEquals(a.currentState, "terminating");
      await assertRejects(() => a.changeState("owner" as PeerState), RangeError, "owner");
      await end();
    });

    it("alone returns at once, also before start(); a later joiner learns the state", async () => {
      const { create, clock, during, end } = world();
      const a = create("a");
      await a.changeState("participant");
      await during(a.start([]));
      const b = create("b");
      await during(b.start([addressOf("a")]));
      assert(await clock.until(() => states(b) === "a:participant b:viewer", 5_000));
      await end();
    });

    it("waits until the news left", async () => {
      const { cluster, clock, during, end } = world();
      const [a] = await cluster(2) as [Node, Node];
      let done = false;
      const change = a.changeState("participant").then(() => void (done = true));
      await settle();
      assertEquals(a.currentState, "participant");
      assert(!done);
      const before = clock.now();
      await during(change);
      assert(clock.now() > before);
      await end();
    });

    it("the signal ends the waiting, not the change; calls run one after the other", async () => {
      const { cluster, clock, during, end } = world();
      const [a, b] = await cluster(2) as [Node, Node];
      const abort = new AbortController();
      const first = assertRejects(
        () => a.changeState("participant", { signal: abort.signal }),
        Error,
        "enough",
      );
      const second = a.changeState("terminating");
      await settle();
      assertEquals(a.currentState, "participant");
      abort.abort(new Error("enough"));
      await first;
      await settle();
      assertEquals(a.currentState, "terminating");
      await during(second);
      assert(await clock.until(() => states(b) === "a:terminating b:viewer", 5_000));
      await end();
    });

    it("a call whose signal aborts before its turn changes nothing", async () => {
      const { cluster, during, end } = world();
      const [a] = await cluster(2) as [Node, Node];
      const abort = new AbortController();
      const first = a.changeState("participant");
      const second = assertRejects(
        () => a.changeState("terminating", { signal: abort.signal }),
        Error,
        "enough",
      );
      abort.abort(new Error("enough"));
      await second;
      await during(first);
      await settle();
      assertEquals(a.currentState, "participant");
      await end();
    });

    it("signals keep no listeners", async () => {
      const { create, during, end } = world();
      const a = create("a");
      await during(a.start([]));
      const abort = new AbortController();
      let listeners = 0;
      const { addEventListener, removeEventListener } = abort.signal;
      abort.signal.addEventListener = function (...args: Parameters<typeof addEventListener>) {
        listeners += 1;
        addEventListener.apply(abort.signal, args);
      };
      abort.signal.removeEventListener = function (
        ...args: Parameters<typeof removeEventListener>
      ) {
        listeners -= 1;
        removeEventListener.apply(abort.signal, args);
      };
      const { signal } = abort;
      for (let i = 0; i < 20; i++) {
        await during(a.start([], { signal }));
        await during(a.changeState("viewer", { signal }).catch(() => {}));
      }
      assertEquals(listeners, 0);
      await end();
    });
  });

  describe(`${protocol}: Node.stop()`, () => {
    it("tells the others, who drop the node at once", async () => {
      const { cluster, clock, during, end } = world();
      const [a, b, c] = await cluster(3) as [Node, Node, Node];
      await during(c.stop());
      assert(await clock.until(() => names(a.peers) === "ab" && names(b.peers) === "ab", 2_000));
      assertEquals(c.health.phase, "stopped");
      await end();
    });

    it("is idempotent, and ends everything that waits", async () => {
      const { cluster, network, create, clock, during, end } = world();
      const [a] = await cluster(2) as [Node, Node];
      const changing = assertRejects(() => a.changeState("participant"), StoppedError, "state");
      network.hold("10.0.0.77:80");
      const joining = assertRejects(() => a.start(["10.0.0.77:80"]), StoppedError, "start");
      await settle();
      const stops = [a.stop(), a.close(), a[Symbol.asyncDispose]()];
      await during(Promise.all(stops));
      await changing;
      await joining;
      await a.stop();
      await assertRejects(() => a.start([]), StoppedError, "Cannot start the node");
      await assertRejects(() => a.changeState("participant"), StoppedError);
      void create;
      await end();
      assertEquals(clock.pending, 0);
    });

    it("observers and watchers hear nothing of the leaving, and then nothing", async () => {
      const { cluster, during, end } = world();
      const [a] = await cluster(2) as [Node, Node];
      const seen: string[] = [];
      a.observe((peers) => void seen.push(names(peers)));
      a.addEventListener("peers", (event) => void seen.push(names(event.detail)));
      const watching = (async () => {
        const views: string[] = [];
        for await (const peers of a.watch()) views.push(names(peers));
        return views;
      })();
      await settle();
      await during(a.stop());
      assertEquals(seen, []);
      assertEquals(await watching, ["ab"]);
      const late: string[] = [];
      for await (const peers of a.watch()) late.push(names(peers));
      assertEquals(late, []);
      await end();
    });

    it("leaves for at most 5 s", async () => {
      const core = new ScriptedCore();
      const transport = new RecordingTransport();
      const clock = new VirtualClock();
      const log = keptLog();
      const node = new Node({
        name: "a",
        advertiseAddr: "10.0.0.1:80",
        clusterName: "",
        gossip: scripted(core),
        transport,
        clock,
        logger: log,
      });
      await node.start([]);
      let stopped = false;
      const stopping = node.stop().then(() => void (stopped = true));
      await clock.advance(4_999);
      assert(!stopped && !transport.closed);
      await clock.advance(1);
      await stopping;
      assert(transport.closed);
      assert(log.lines.some((line) => line.startsWith("warn") && line.includes("left before")));
      assertEquals(clock.pending, 0);
    });

    it("its signal cuts the leaving short", async () => {
      const core = new ScriptedCore();
      const transport = new RecordingTransport();
      const clock = new VirtualClock();
      const node = new Node({
        name: "a",
        advertiseAddr: "10.0.0.1:80",
        clusterName: "",
        gossip: scripted(core),
        transport,
        clock,
        logger: keptLog(),
      });
      await node.start([]);
      const abort = new AbortController();
      const stopping = node.stop({ signal: abort.signal });
      await settle();
      assert(!transport.closed);
      abort.abort();
      await stopping;
      assertEquals(core.inputs.map((input) => input.type), ["timeout", "leave"]);
      assert(transport.closed);
    });

    it("of all nodes at once does not make them wait for each other", async () => {
      const { cluster, clock, during } = world();
      const nodes = await cluster(3);
      const before = clock.now();
      await during(Promise.all(nodes.map((node) => node.stop())));
      assert(clock.now() - before < 2_000, `${clock.now() - before} ms`);
    });

    it("before start() closes the transport and tells nobody", async () => {
      const transport = new RecordingTransport();
      const node = new Node({
        name: "a",
        advertiseAddr: "10.0.0.1:80",
        clusterName: "",
        transport,
        logger: keptLog(),
      });
      await node.stop();
      assertEquals(transport.calls, ["close"]);
      await assertRejects(() => node.ready, StoppedError);
    });
  });
}
