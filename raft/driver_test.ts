import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { Clock } from "../membership/clock.ts";
import type { RaftCoreContract, RaftEffect, RaftInput } from "./contract.ts";
import { RaftDriver } from "./driver.ts";
import type { LogStore, Persist } from "./log_store.ts";

/** A core that answers inputs by script. */
class Scripted implements RaftCoreContract {
  deadline = Infinity;
  readonly inputs: RaftInput[] = [];
  readonly script: Record<string, readonly RaftEffect[]>;
  constructor(script: Record<string, readonly RaftEffect[]>) {
    this.script = script;
  }
  step(input: RaftInput): readonly RaftEffect[] {
    this.inputs.push(input);
    return this.script[label(input)] ?? [];
  }
}

function label(input: RaftInput): string {
  return input.type === "persisted" ? `persisted ${input.token}` : input.type;
}

/** A log whose writes become durable when the test says so. */
class SlowLog {
  readonly waiting: { effect: Persist; resolve: () => void; reject: (error: Error) => void }[] = [];
  persist(effect: Persist): Promise<void> {
    return new Promise((resolve, reject) => this.waiting.push({ effect, resolve, reject }));
  }
  async durable(): Promise<void> {
    this.waiting.shift()!.resolve();
    await turn();
  }
}

const turn = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));

const send = (term: number): RaftEffect => ({
  type: "send",
  message: { type: "timeoutNow", from: "a", to: "b", term },
});
const persist = (token: number, bytes = 0): RaftEffect => ({
  type: "persist",
  token,
  entries: bytes === 0 ? [] : [
    { index: 1, term: 1, kind: "command", data: new Uint8Array(bytes) },
  ],
  sync: true,
});

function world(script: Record<string, readonly RaftEffect[]>, maxPersistingBytes = 100) {
  const core = new Scripted(script);
  const log = new SlowLog();
  const done: string[] = [];
  const writes: string[] = [];
  const timers: { at: number; fire: () => void }[] = [];
  let now = 0;
  const clock: Clock = {
    now: () => now,
    setTimer(afterMs, fire) {
      const timer = { at: now + afterMs, fire };
      timers.push(timer);
      return () => timers.splice(timers.indexOf(timer), 1);
    },
  };
  const driver = new RaftDriver({
    core,
    clock,
    log: log as unknown as LogStore,
    perform: (effect) => {
      done.push(effect.type === "send" ? `send ${effect.message.term}` : effect.type);
      if (effect.type === "apply") driver.feed({ type: "applied", index: 1 });
    },
    persisting: ({ token }) => writes.push(`begun ${token}`),
    persisted: ({ token }) => writes.push(`durable ${token}`),
    halted: (error) => done.push(`halted ${error.message}`),
    maxPersistingBytes,
  });
  const advance = (ms: number) => {
    now += ms;
    for (const timer of timers.filter(({ at }) => at <= now)) {
      timers.splice(timers.indexOf(timer), 1);
      timer.fire();
    }
  };
  return { core, log, done, writes, driver, timers, advance };
}

describe("RaftDriver", () => {
  it("starts nothing that stands after a persist before that, and every earlier one, is durable", async () => {
    const { log, done, driver } = world({
      campaign: [send(1), persist(1), send(2), persist(2), send(3)],
      forgetLeader: [send(4), persist(3), send(5)],
      "persisted 1": [send(6)],
    });
    driver.start();
    driver.feed({ type: "campaign" });
    driver.feed({ type: "forgetLeader" });
    assertEquals(done, ["send 1", "send 4"]);
    assertEquals(
      log.waiting.map(({ effect }) => effect.token),
      [1, 3],
      "later steps write at once",
    );
    await log.durable();
    assertEquals(done, ["send 1", "send 4", "send 2", "send 6"]);
    assertEquals(log.waiting.map(({ effect }) => effect.token), [3, 2]);
    await log.durable();
    assertEquals(done.at(-1), "send 5");
    await log.durable();
    assertEquals(done.at(-1), "send 3");
    driver.stop();
  });

  it("lets later steps that write nothing overtake a slow disk", () => {
    const { done, driver } = world({ campaign: [persist(1), send(1)], forgetLeader: [send(2)] });
    driver.start();
    driver.feed({ type: "campaign" });
    driver.feed({ type: "forgetLeader" });
    assertEquals(done, ["send 2"]);
    driver.stop();
  });

  it("takes what an effect causes after the effects of its step", () => {
    const { core, done, driver } = world({
      campaign: [{ type: "apply", entries: [] }, send(1)],
      applied: [send(2)],
    });
    driver.start();
    driver.feed({ type: "campaign" });
    assertEquals(done, ["apply", "send 1", "send 2"]);
    assertEquals(core.inputs.map(label), ["timeout", "campaign", "applied"]);
    driver.stop();
  });

  it("does so behind a write as well, and says first that it is durable", async () => {
    const { core, done, driver, log } = world({
      campaign: [persist(1), { type: "apply", entries: [] }, send(1)],
      applied: [send(2)],
    });
    driver.start();
    driver.feed({ type: "campaign" });
    await log.durable();
    assertEquals(done, ["apply", "send 1", "send 2"]);
    assertEquals(core.inputs.map(label), ["timeout", "campaign", "persisted 1", "applied"]);
    driver.stop();
  });

  it("tells of a write when it is handed over, and once it is durable, before what waits for it", async () => {
    const { log, done, writes, driver } = world({
      campaign: [persist(1)],
      forgetLeader: [persist(2), send(2)],
    });
    driver.start();
    driver.feed({ type: "campaign" });
    driver.feed({ type: "forgetLeader" });
    assertEquals(writes, ["begun 1", "begun 2"]);
    await log.durable();
    assertEquals([writes.slice(2), done], [["durable 1"], []]);
    await log.durable();
    assertEquals([writes.slice(3), done], [["durable 2"], ["send 2"]]);
  });

  it("does nothing any more once the store failed", async () => {
    const { log, done, driver, core } = world({ campaign: [persist(1), send(1)] });
    driver.start();
    driver.feed({ type: "campaign" });
    driver.feed({ type: "campaign" });
    const [one, two] = log.waiting;
    one!.reject(new Error("EIO"));
    two!.resolve();
    await turn();
    driver.feed({ type: "campaign" });
    assertEquals(done, ["halted EIO"]);
    assertEquals(core.inputs.length, 3);
  });

  it("halts when the core says so, or throws", () => {
    const one = world({ campaign: [{ type: "halt", detail: "a conflict" }, send(1)] });
    one.driver.start();
    one.driver.feed({ type: "campaign" });
    assertEquals(one.done, ["halted a conflict"]);
    const two = world({});
    two.core.step = () => {
      throw new Error("a fault");
    };
    two.driver.start();
    assertEquals(two.done, ["halted a fault"]);
  });

  it("keeps one timer, for the deadline, and counts late ones", () => {
    const { core, driver, timers, advance } = world({});
    core.deadline = 50;
    driver.start();
    assertEquals(timers.map(({ at }) => at), [50]);
    driver.feed({ type: "campaign" });
    assertEquals(timers.length, 1);
    core.deadline = 250;
    advance(50);
    assertEquals(core.inputs.map(label), ["timeout", "campaign", "timeout"]);
    assertEquals(timers.map(({ at }) => at), [250]);
    advance(300); // a stall: packets that came meanwhile get one turn before the timeout
    advance(0);
    assertEquals(driver.stats.lateTimers, 1);
    assertEquals(driver.stats.worstTimerLatenessMs, 100);
    driver.stop();
    assertEquals(timers.length, 0);
  });

  it("is full while the disk has enough to do", async () => {
    const { log, driver } = world({ campaign: [persist(1, 80)] });
    driver.start();
    driver.feed({ type: "campaign" });
    assertEquals(driver.full, false);
    driver.feed({ type: "campaign" });
    assertEquals([driver.full, driver.stats.persistingBytes], [true, 160]);
    await log.durable();
    assertEquals(driver.full, false);
    driver.stop();
  });
});
