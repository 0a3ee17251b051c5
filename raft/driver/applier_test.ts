import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import type { Entry } from "../entry.ts";
import type { AppliedCommand, StateMachine } from "../state_machine.ts";
import { Applier, type Captured, SESSION_EXPIRED } from "./applier.ts";
import { BARRIER_DATA, type CommandSession, encodeCommand } from "./command.ts";
import type { SessionLimits } from "./sessions.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const texts = (data: Uint8Array) => new TextDecoder().decode(data);

/** Keeps the commands; each one's result is how many there are. */
class Log implements StateMachine<number> {
  state: string[] = [];
  batches: number[] = [];
  gate: Promise<void> | undefined;

  apply(commands: readonly AppliedCommand[]): readonly number[] | Promise<readonly number[]> {
    this.batches.push(commands.length);
    const results = commands.map(({ command }) => this.state.push(texts(command)));
    return this.gate === undefined ? results : this.gate.then(() => results);
  }

  snapshot(): Iterable<Uint8Array> {
    return [bytes(this.state.join(" "))];
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let text = "";
    for await (const chunk of chunks) text += texts(chunk);
    this.state = text.split(" ");
  }
}

function world(maxBatchCommands = 100, sessionLimits?: SessionLimits) {
  const machine = new Log();
  const applied: (readonly [number, readonly unknown[]])[] = [];
  const answered: string[] = [];
  const broken: unknown[] = [];
  let next: () => void = () => {};
  const applier = new Applier<number>({
    stateMachine: machine,
    maxBatchCommands,
    ...(sessionLimits && { sessionLimits }),
    applied: (entries, results) => {
      applied.push([entries[0]!.index, [...results]]);
      next();
    },
    restored: () => next(),
    answered: ({ sequence }, index, result) => {
      answered.push(`${sequence}@${index}=${String(result)}`);
    },
    broken: (error) => {
      broken.push(error);
      next();
    },
  });
  let index = 0;
  const push = (...datas: (Uint8Array | "noop")[]) =>
    applier.push(datas.map((data): Entry => ({
      index: ++index,
      term: 1,
      kind: data === "noop" ? "noop" : "command",
      data: data === "noop" ? new Uint8Array(0) : data,
    })));
  const skip = (through: number) => void (index = through);
  const happens = () => new Promise<void>((resolve) => next = resolve);
  return { machine, applied, answered, broken, applier, push, skip, happens };
}

const session = (sequence: number, lowestPending = 1): CommandSession => ({
  client: "c",
  sequence,
  lowestPending,
});

async function captured(applier: Applier<number>): Promise<Captured> {
  return await new Promise((resolve) => applier.capture(resolve));
}

async function* chunksOf({ head, chunks }: Captured): AsyncGenerator<Uint8Array> {
  // Cut where it hurts: inside the length of the sessions.
  yield head.subarray(0, 2);
  yield head.subarray(2);
  yield* chunks;
}

describe("Applier", () => {
  it("applies what waits as one batch, and leaves out what is no command", async () => {
    const { machine, applied, applier, push, happens } = world();
    push("noop", encodeCommand(bytes("x")));
    push(BARRIER_DATA, encodeCommand(bytes("y")));
    await happens();
    assertEquals(machine.batches, [2]);
    assertEquals(applied, [[1, [undefined, 1, undefined, 2]]]);
    assertEquals(applier.position, { index: 4, term: 1 });
  });

  it("keeps to the largest batch, and waits for a slow state machine", async () => {
    const { machine, applied, push, happens } = world(2);
    machine.gate = Promise.resolve();
    push(...["a", "b", "c"].map((text) => encodeCommand(bytes(text))));
    await happens();
    await happens();
    assertEquals(machine.batches, [2, 1]);
    assertEquals(applied, [[1, [1, 2]], [3, [3]]]);
  });

  it("applies a command with a session once, in one batch or in many", async () => {
    const { machine, applied, answered, push, happens } = world();
    const x = encodeCommand(bytes("x"), session(1));
    push(x, x, encodeCommand(bytes("y"), session(2)));
    await happens();
    push(x, encodeCommand(bytes("z"), session(3, 3)));
    await happens();
    push(x);
    await happens();
    assertEquals(machine.state, ["x", "y", "z"]);
    assertEquals(applied.map(([, results]) => results), [[1, 1, 2], [1, 3], [SESSION_EXPIRED]]);
    assertEquals(answered, [
      "1@1=1",
      "1@2=1",
      "2@3=2",
      "1@4=1",
      "3@5=3",
      "1@6=Symbol(session expired)",
    ]);
  });

  it("comes to the same sessions wherever batches end", async () => {
    const of = (client: string, sequence: number, lowestPending = 1) =>
      encodeCommand(bytes(`${client}${sequence}`), { client, sequence, lowestPending });
    const logs: Record<string, Uint8Array[]> = {
      // A repetition is news of its client: another is forgotten first.
      repeated: [of("a", 1), of("b", 1), of("a", 1)],
      // What is no longer needed is forgotten, also when it was just applied.
      acknowledged: [of("a", 1), of("a", 2, 2)],
      // The oldest result makes room.
      many: [...Array.from({ length: 1025 }, (_, i) => of("a", i + 1)), of("a", 1), of("a", 2)],
    };
    for (const [name, datas] of Object.entries(logs)) {
      const seen: unknown[] = [];
      for (const maxBatchCommands of [1, 5000]) {
        const { machine, applied, applier, push, happens } = world(maxBatchCommands);
        const done = happens();
        push(...datas);
        await done;
        const head = [...(await captured(applier)).head].join();
        seen.push({ head, state: machine.state, results: applied.flatMap(([, each]) => each) });
      }
      assertEquals(seen[0], seen[1], name);
    }
  });

  it("does not apply for a client that it has forgotten", async () => {
    const { machine, applied, push, happens } = world();
    push(encodeCommand(bytes("x"), { client: "new", sequence: 5, lowestPending: 5 }));
    await happens();
    assertEquals([machine.state, applied[0]![1]], [[], [SESSION_EXPIRED]]);
  });

  it("comes to the same state and results however the log is cut into batches", async () => {
    const limits = { maxClients: 2, maxResults: 2 };
    const command = fc.record({
      client: fc.constantFrom("a", "b", "c"),
      sequence: fc.integer({ min: 1, max: 5 }),
      lowestPending: fc.constantFrom(1, 1, 1, 2, 4),
    }).chain((one) =>
      fc.oneof(
        fc.constant(one),
        fc.integer({ min: 1, max: 20 }).map((after) => ({ ...one, after })),
      )
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { minLength: 1, maxLength: 30 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 8 })),
        async (sessions, cuts) => {
          const datas = sessions.map((one) =>
            encodeCommand(bytes(`${one.client}${one.sequence}`), one)
          );
          const one = world(100, limits);
          for (const data of datas) {
            one.push(data);
            await one.happens();
          }
          const other = world(100, limits);
          for (let at = 0; at < datas.length;) {
            const count = cuts.next().value!;
            other.push(...datas.slice(at, at + count));
            await other.happens();
            at += count;
          }
          const seen = async ({ machine, applied, applier }: ReturnType<typeof world>) => [
            machine.state,
            applied.flatMap(([, results]) => results),
            (await captured(applier)).head,
          ];
          assertEquals(await seen(other), await seen(one));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("never applies a command twice that says when it was proposed first, whatever is forgotten", async () => {
    const limits = { maxClients: 2, maxResults: 2 };
    // Each number is a command; the first time that it comes, it is told the index before it.
    const tries = fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(tries, fc.boolean(), async (numbers, restored) => {
        let one = world(100, limits);
        one.push("noop");
        await one.happens();
        const first = new Map<number, number>();
        const state = new Map<number, number>();
        for (let i = 0; i < numbers.length; i++) {
          const number = numbers[i]!;
          if (!first.has(number)) first.set(number, i + 1);
          const session = {
            client: `${number % 4}`,
            sequence: 1 + Math.floor(number / 4),
            after: first.get(number)!,
          };
          const before = one.machine.state.length;
          one.push(encodeCommand(bytes(`${number}`), session));
          await one.happens();
          if (one.machine.state.length > before) state.set(number, (state.get(number) ?? 0) + 1);
          if (restored && i === numbers.length >> 1) {
            const snapshot = await captured(one.applier);
            one = world(100, limits);
            one.skip(snapshot.index);
            const meta = { ...snapshot, configIndex: 0, id: "1-1", config: {} as never };
            one.applier.restore(meta, () => Promise.resolve(chunksOf(snapshot)));
            await one.happens();
          }
        }
        for (const [number, times] of state) assertEquals(times, 1, `command ${number}`);
      }),
      { numRuns: 300 },
    );
  });

  it("knows the commands of as many idle clients as there may be, and says of others that it does not", async () => {
    const { machine, applied, push, happens } = world(100, { maxClients: 2, maxResults: 2 });
    const key = (client: string, after?: number) =>
      encodeCommand(bytes(client), { client, sequence: 1, ...(after !== undefined && { after }) });
    for (const data of [key("a", 1), key("b", 1), key("a", 1), key("c", 3), key("b", 1)]) {
      push(data);
      await happens();
    }
    assertEquals(machine.state, ["a", "b", "c"]);
    assertEquals(applied.map(([, results]) => results[0]), [1, 2, 1, 3, SESSION_EXPIRED]);
    push(key("b")); // who does not say when, counts as new
    await happens();
    assertEquals(machine.state.length, 4);
  });

  it("captures between batches, and restores state and sessions", async () => {
    const one = world();
    one.push(encodeCommand(bytes("x"), session(1)));
    await one.happens();
    const snapshot = await captured(one.applier);
    assertEquals([snapshot.index, snapshot.term], [1, 1]);
    const two = world();
    const meta = { index: 1, term: 1, configIndex: 0, id: "1-1", config: {} as never };
    two.applier.restore(meta, () => Promise.resolve(chunksOf(snapshot)));
    await two.happens();
    assertEquals(two.machine.state, ["x"]);
    two.push(encodeCommand(bytes("x"), session(1)));
    await two.happens();
    assertEquals(two.machine.state, ["x"], "the session came with the snapshot");
    assertEquals(two.applied[0]![1], [1]);
  });

  it("ends at the first fault of the state machine", async () => {
    const { machine, broken, applied, push, happens } = world();
    machine.apply = () => [];
    push(encodeCommand(bytes("x")));
    push("noop");
    await happens();
    assertEquals(broken.length, 1);
    assert(String(broken[0]).includes("one result a command"));
    push("noop");
    await Promise.resolve();
    assertEquals(applied, []);
  });
});
