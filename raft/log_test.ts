import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { brief } from "./_harness.ts";
import type { Entry } from "./entry.ts";
import { RaftLog } from "./log.ts";

function entry(index: number, term: number, size = 1): Entry {
  return { index, term, kind: "command", data: new Uint8Array(size) };
}

function logOf(terms: readonly number[], offset = { index: 0, term: 0 }): RaftLog {
  return new RaftLog(offset, terms.map((term, i) => entry(offset.index + 1 + i, term)));
}

describe("RaftLog", () => {
  it("knows the terms that it holds, and of the one before", () => {
    const log = logOf([3, 3, 4], { index: 10, term: 2 });
    assertEquals([9, 10, 11, 13, 14].map((i) => log.term(i)), [undefined, 2, 3, 4, undefined]);
    assertEquals([log.last, log.lastTerm, log.offset, log.durable], [13, 4, 10, 13]);
    log.truncate(11);
    assertEquals([log.last, log.lastTerm], [10, 2]);
  });

  it("slices by bytes and count, one entry at least", () => {
    const log = new RaftLog({ index: 0, term: 0 }, [1, 5, 5, 5].map((n, i) => entry(i + 1, 1, n)));
    assertEquals(brief(log.slice(1, 6, 9)), ["1/1", "2/1"]);
    assertEquals(log.sliceBytes, 6);
    assertEquals(brief(log.slice(2, 1, 9)), ["2/1"]);
    assertEquals(brief(log.slice(2, 100, 2)), ["2/1", "3/1"]);
    assertEquals(brief(log.slice(5, 100, 2)), []);
  });

  it("gives followers one and the same slice, and not after a change", () => {
    const log = logOf([1, 1, 1]);
    const slice = log.slice(1, 100, 9);
    assert(slice === log.slice(1, 100, 9));
    log.push(entry(4, 1));
    assertEquals(brief(log.slice(1, 100, 9)), ["1/1", "2/1", "3/1", "4/1"]);
    log.truncate(3);
    log.push(entry(3, 2));
    assertEquals(brief(log.slice(1, 100, 9)), ["1/1", "2/1", "3/2"]);
    assertEquals(brief(slice), ["1/1", "2/1", "3/1"]);
  });

  it("compacts to an index that it holds, and not back", () => {
    const log = logOf([1, 2, 3]);
    log.compact(2);
    assertEquals([log.offset, log.term(2), log.term(1), log.last], [2, 2, undefined, 3]);
    log.compact(1);
    assertEquals(log.offset, 2);
    log.compact(9);
    assertEquals(log.offset, 2);
    log.compact(3);
    assertEquals([log.offset, log.last, log.lastTerm], [3, 3, 3]);
  });

  it("compares ends by term, then by index (§5.4.1)", () => {
    const log = logOf([1, 2, 3]);
    const table: [index: number, term: number, expected: boolean][] = [
      [2, 4, true],
      [3, 4, true],
      [4, 4, true],
      [2, 2, false],
      [4, 2, false],
      [2, 3, false],
      [3, 3, true],
      [4, 3, true],
    ];
    for (const [index, term, expected] of table) {
      assertEquals(log.isUpToDate(index, term), expected, `${index}/${term}`);
    }
  });

  it("finds the last index at or below a term, as a walk back does", () => {
    const logs = fc.record({
      offset: fc.nat(3),
      base: fc.nat(2),
      steps: fc.array(fc.nat(2), { maxLength: 12 }),
      index: fc.nat(20),
      term: fc.nat(12),
    });
    fc.assert(fc.property(logs, ({ offset, base, steps, index, term }) => {
      const begin = { index: offset, term: offset === 0 ? 0 : base + 1 };
      let at = Math.max(1, begin.term);
      const log = logOf(steps.map((step) => at += step), begin);
      const found = log.lastAtOrBelow(index, term);
      if (index < offset) {
        assertEquals(found, { index, term: 0 });
        return;
      }
      let expected = Math.min(index, log.last);
      while (expected >= offset && log.term(expected)! > term) expected--;
      assertEquals(
        found,
        expected < offset
          ? { index: Math.max(0, offset - 1), term: 0 }
          : { index: expected, term: log.term(expected)! },
      );
    }));
  });
});

describe("durability of RaftLog", () => {
  it("grows with acknowledgements, in order, several at a time", () => {
    const log = logOf([]);
    const tokens = [1, 2, 3].map((index) => {
      log.push(entry(index, 1));
      return log.write(true);
    });
    assertEquals([log.durable, log.isWriting], [0, true]);
    log.acknowledge(tokens[1]!);
    assertEquals(log.durable, 2);
    log.acknowledge(tokens[2]!);
    assertEquals([log.durable, log.isWriting], [3, false]);
  });

  it("is not given to the third by the first of three writes of an equal entry (L9)", () => {
    const log = logOf([]);
    log.push(entry(1, 1));
    const first = log.write(true);
    log.truncate(1);
    log.push(entry(1, 2));
    const second = log.write(true);
    log.truncate(1);
    log.push(entry(1, 1));
    const third = log.write(true);
    log.acknowledge(first);
    assertEquals(log.durable, 0);
    log.acknowledge(second);
    assertEquals(log.durable, 0);
    log.acknowledge(third);
    assertEquals(log.durable, 1);
  });

  it("falls where the log is cut, and stays where it is not", () => {
    const log = logOf([1, 1, 1]);
    log.truncate(3);
    assertEquals(log.durable, 2);
    log.push(entry(3, 2));
    assertEquals(log.durable, 2);
    log.acknowledge(log.write(true));
    assertEquals(log.durable, 3);
  });

  it("of a snapshot waits for its write", () => {
    const log = logOf([1, 1, 1]);
    log.push(entry(4, 1));
    const before = log.write(true);
    log.reset({ index: 10, term: 2 }, 2);
    const token = log.write(true);
    log.acknowledge(before);
    assertEquals([log.durable, log.last], [2, 10]);
    log.acknowledge(token);
    assertEquals(log.durable, 10);
  });

  it("equals what a disk that writes in order holds, whatever is cut", () => {
    const action = fc.oneof(
      fc.record({ push: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ cut: fc.nat(3) }),
      fc.constant("acknowledge" as const),
    );
    fc.assert(fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const log = logOf([]);
      // Each write is the whole log as it then stood; entries are told apart by identity.
      const writes: { token: number; log: readonly Entry[] }[] = [];
      let disk: readonly Entry[] = [];
      for (const act of actions) {
        if (act === "acknowledge") {
          const write = writes.shift();
          if (write === undefined) continue;
          disk = write.log;
          log.acknowledge(write.token);
        } else {
          if ("cut" in act) log.truncate(Math.max(1, log.last - act.cut));
          else for (let i = 0; i < act.push; i++) log.push(entry(log.last + 1, 1));
          writes.push({ token: log.write(true), log: [...log.range(1, log.last)] });
        }
        let same = 0;
        while (same < disk.length && disk[same] === log.entry(same + 1)) same++;
        assert(log.durable <= same, `${log.durable} is said to be durable, ${same} is`);
        if (writes.length === 0) assertEquals(log.durable, log.last);
      }
    }));
  });
});
