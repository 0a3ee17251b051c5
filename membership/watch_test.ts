import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { watch } from "./watch.ts";

function source() {
  const subscribers = new Set<{ change: () => void; end: () => void }>();
  let value = 0;
  return {
    subscribers,
    set(next: number) {
      value = next;
      for (const { change } of [...subscribers]) change();
    },
    end() {
      for (const { end } of [...subscribers]) end();
    },
    current: () => value,
    subscribe(change: () => void, end: () => void) {
      const subscriber = { change, end };
      subscribers.add(subscriber);
      return () => void subscribers.delete(subscriber);
    },
  };
}

describe("watch()", () => {
  it("begins with the current value", async () => {
    const numbers = source();
    numbers.set(7);
    assertEquals(await watch(numbers).next(), { done: false, value: 7 });
  });

  it("skips to the latest value, and waits when there is none", async () => {
    const numbers = source();
    const iterator = watch(numbers);
    await iterator.next();
    for (let i = 1; i <= 1_000; i++) numbers.set(i);
    assertEquals((await iterator.next()).value, 1_000);
    const waiting = iterator.next();
    numbers.set(2_000);
    numbers.set(3_000);
    assertEquals((await waiting).value, 2_000);
    assertEquals((await iterator.next()).value, 3_000);
  });

  it("several waiting calls get one change each", async () => {
    const numbers = source();
    const iterator = watch(numbers);
    await iterator.next();
    const waiting = [iterator.next(), iterator.next()];
    numbers.set(1);
    numbers.set(2);
    assertEquals((await Promise.all(waiting)).map(({ value }) => value), [1, 2]);
  });

  it("leaving the loop unsubscribes", async () => {
    const numbers = source();
    for await (const value of watch(numbers)) {
      assertEquals(value, 0);
      assertEquals(numbers.subscribers.size, 1);
      break;
    }
    assertEquals(numbers.subscribers.size, 0);
  });

  it("the signal ends it without an error, before and during", async () => {
    const numbers = source();
    const abort = new AbortController();
    const iterator = watch(numbers, { signal: abort.signal });
    await iterator.next();
    const waiting = iterator.next();
    abort.abort();
    assert((await waiting).done);
    assert((await iterator.next()).done);
    assertEquals(numbers.subscribers.size, 0);
    assert((await watch(numbers, { signal: abort.signal }).next()).done);
    assertEquals(numbers.subscribers.size, 0);
  });

  it("the source ends it", async () => {
    const numbers = source();
    const iterator = watch(numbers);
    await iterator.next();
    const waiting = iterator.next();
    numbers.end();
    assert((await waiting).done);
    assertEquals(numbers.subscribers.size, 0);
  });
});
