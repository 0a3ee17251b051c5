import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { encodeCommand, type KvCommand, KvStore } from "./kv.ts";

const apply = (store: KvStore, ...commands: KvCommand[]) =>
  store.apply(
    commands.map((command, i) => ({ index: i + 1, term: 1, command: encodeCommand(command) })),
  );

describe("KvStore", () => {
  it("puts, and replaces only what is expected", () => {
    const store = new KvStore();
    const results = apply(
      store,
      { op: "put", key: "k", value: "1" },
      { op: "cas", key: "k", expect: "0", value: "2" },
      { op: "cas", key: "k", expect: "1", value: "3" },
      { op: "cas", key: "new", expect: null, value: "x" },
    );
    assertEquals(results, [
      { ok: true, value: "1" },
      { ok: false, value: "1" },
      { ok: true, value: "3" },
      { ok: true, value: "x" },
    ]);
    assertEquals([store.value("k"), store.value("none"), store.size], ["3", null, 2]);
  });

  it("captures a state that later commands do not change, and restores it from any chunks", async () => {
    const store = new KvStore();
    apply(store, { op: "put", key: "ключ", value: "значение" });
    const chunks = store.snapshot();
    apply(store, { op: "put", key: "later", value: "1" });
    const again = new KvStore();
    await again.restore((async function* () {
      for (const chunk of chunks) for (const byte of chunk) yield Uint8Array.of(byte);
    })());
    assertEquals([again.value("ключ"), again.size], ["значение", 1]);
  });
});
