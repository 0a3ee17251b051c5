import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { Peer } from "../shard/peer.ts";
import { peer, settle } from "./_harness.ts";
import { Observers, participantObserver, samePeers } from "./observers.ts";

const list = (...names: string[]): readonly Peer[] => names.map((name) => peer(name));
const names = (peers: readonly Peer[]) => peers.map((peer) => peer.name).join("");

function setUp() {
  const failures: unknown[] = [];
  let updates = 0;
  const observers = new Observers({
    updateStarted: () => {
      updates += 1;
      return () => void (updates -= 1);
    },
    failed: (error) => void failures.push(error),
  });
  return { observers, failures, updates: () => updates };
}

describe("Observers", () => {
  it("notify() tells all, in order of registration", () => {
    const { observers } = setUp();
    const seen: string[] = [];
    observers.add((peers) => void seen.push(`1 ${names(peers)}`), []);
    observers.add((peers) => void seen.push(`2 ${names(peers)}`), []);
    observers.notify(list("a"));
    assertEquals(seen, ["1 a", "2 a"]);
  });

  it("a slow observer skips lists in between and gets the latest, one call at a time", async () => {
    const { observers, updates } = setUp();
    const seen: string[] = [];
    const waiting: (() => void)[] = [];
    observers.add((peers) => {
      seen.push(names(peers));
      return new Promise<void>((resolve) => waiting.push(resolve));
    }, []);
    observers.notify(list("a"));
    observers.notify(list("a", "b"));
    observers.notify(list("a", "b", "c"));
    observers.notify(list("a", "b", "c", "d"));
    await settle();
    assertEquals(seen, ["a"]);
    assertEquals(updates(), 1);
    waiting.shift()!();
    await settle();
    assertEquals(seen, ["a", "abcd"]);
    waiting.shift()!();
    await settle();
    assertEquals(seen, ["a", "abcd"]);
    assertEquals(updates(), 0);
  });

  it("a change and its reversal during a call leave nothing to tell", async () => {
    const { observers } = setUp();
    const seen: string[] = [];
    let done: () => void = () => {};
    observers.add((peers) => {
      seen.push(names(peers));
      return new Promise<void>((resolve) => done = resolve);
    }, []);
    observers.notify(list("a"));
    observers.notify(list("a", "b"));
    observers.notify(list("a"));
    done();
    await settle();
    assertEquals(seen, ["a"]);
  });

  it("a slow observer does not hold up the others", () => {
    const { observers } = setUp();
    const seen: string[] = [];
    observers.add(() => new Promise<void>(() => {}), []);
    observers.add((peers) => void seen.push(names(peers)), []);
    observers.notify(list("a"));
    observers.notify(list("b"));
    assertEquals(seen, ["a", "b"]);
  });

  it("false ends the observation, also later; true and nothing keep it", async () => {
    const { observers } = setUp();
    observers.add(() => false, []);
    observers.add(() => Promise.resolve(false), []);
    observers.add(() => true, []);
    observers.add(() => {}, []);
    observers.notify(list("a"));
    await settle();
    assertEquals(observers.size, 2);
  });

  it("one that is removed while it is busy is not called again", async () => {
    const { observers } = setUp();
    let calls = 0;
    let done: () => void = () => {};
    const remove = observers.add(() => {
      calls += 1;
      return new Promise<void>((resolve) => done = resolve);
    }, []);
    observers.notify(list("a"));
    observers.notify(list("b"));
    remove();
    done();
    await settle();
    assertEquals(calls, 1);
  });

  it("one that removes another saves it the call", () => {
    const { observers } = setUp();
    let calls = 0;
    let remove: () => void = () => {};
    observers.add(() => remove(), []);
    remove = observers.add(() => void (calls += 1), []);
    observers.notify(list("a"));
    assertEquals(calls, 0);
  });

  it("failures of both kinds are told, and the observer stays", async () => {
    const { observers, failures, updates } = setUp();
    observers.add(() => {
      throw new Error("at once");
    }, []);
    observers.add(() => Promise.reject(new Error("later")), []);
    observers.notify(list("a"));
    observers.notify(list("b"));
    await settle();
    assertEquals(failures.map((error) => (error as Error).message).sort(), [
      "at once",
      "at once",
      "later",
      "later",
    ]);
    assertEquals(observers.size, 2);
    assertEquals(updates(), 0);
  });

  it("stop() ends all, for good", () => {
    const { observers } = setUp();
    let calls = 0;
    observers.add(() => void (calls += 1), []);
    observers.stop();
    observers.add(() => void (calls += 1), []);
    observers.notify(list("a"));
    assertEquals(calls, 0);
    assertEquals(observers.size, 0);
  });
});

describe("participantObserver()", () => {
  it("calls only when the participants changed, with the whole list", () => {
    const seen: string[] = [];
    const observer = participantObserver((peers) => void seen.push(names(peers)));
    observer([peer("a", "viewer")]); // nobody before, nobody now
    observer([peer("a", "viewer"), peer("b")]);
    observer([peer("a", "viewer"), peer("b"), peer("c", "viewer")]);
    observer([peer("b"), peer("c", "terminating")]);
    observer([peer("b"), peer("c")]);
    observer([{ ...peer("b"), addr: "10.9.9.9:80" }, peer("c")]);
    observer([peer("c", "viewer")]);
    assertEquals(seen, ["ab", "bc", "bc", "c"]);
  });

  it("passes on whether to go on, and stays where there is nothing to tell", () => {
    const observer = participantObserver(() => false);
    assertEquals(observer([peer("a")]), false);
    assertEquals(observer([peer("a")]), true);
  });
});

describe("samePeers()", () => {
  it("compares every field", () => {
    const a = peer("a");
    assert(samePeers([a], [{ ...a }]));
    for (const other of [{ name: "b" }, { addr: "x:1" }, { self: true }, { state: "viewer" }]) {
      assert(!samePeers([a], [{ ...a, ...other } as Peer]));
    }
    assert(!samePeers([a], []));
  });
});
