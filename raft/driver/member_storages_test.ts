import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { emptyConfig } from "../config.ts";
import type { ClusterConfig } from "../entry.ts";
import type { KnownStorage } from "../log_store.ts";
import { MemberStorages } from "./member_storages.ts";

const of = (...voters: readonly string[]): ClusterConfig => ({ ...emptyConfig, voters });

function world(known: readonly KnownStorage[] = [], config = of("a", "b", "c")) {
  const disk = {
    holds: known,
    writes: 0,
    fault: undefined as Error | undefined,
    gate: undefined as Promise<void> | undefined,
  };
  const failures: unknown[] = [];
  const storages = new MemberStorages({
    known,
    remember: async (all) => {
      disk.writes++;
      await disk.gate;
      if (disk.fault !== undefined) throw disk.fault;
      disk.holds = all;
    },
    failed: (error) => failures.push(error),
  }, { config, configIndex: 1 });
  return { disk, failures, storages };
}

describe("MemberStorages", () => {
  it("remembers a member's storage before it is listened to, and refuses another", async () => {
    const { disk, storages } = world();
    const saving = Promise.withResolvers<void>();
    disk.gate = saving.promise;
    let admitted = 0;
    // Control and append streams of one member come together.
    const both = [storages.admit("b", "0b"), storages.admit("b", "0b")].map(async (one) => {
      assertEquals(await one, undefined);
      admitted++;
    });
    const refusal = await storages.admit("b", "xx");
    assert(refusal?.includes("forgotten its votes. Remedy: stop it, remove 'b'"), refusal);
    assertEquals([admitted, disk.holds.length], [0, 0]);
    saving.resolve();
    await Promise.all(both);
    assertEquals(disk.holds, [{ id: "b", storageId: "0b", since: 1 }]);
    assertEquals(disk.writes, 1);
    assert(await storages.admit("b", "") !== undefined, "one that tells no more is another");
  });

  it("takes nothing of a member while it cannot be remembered", async () => {
    const { disk, storages } = world();
    disk.fault = new Error("ENOSPC");
    await assertRejects(() => storages.admit("b", "0b"), Error, "ENOSPC");
    await assertRejects(() => storages.admit("b", "0b"), Error, "ENOSPC");
    assert(await storages.admit("b", "xx") !== undefined);
    disk.fault = undefined;
    assertEquals(await storages.admit("b", "0b"), undefined);
    assertEquals(disk.holds.length, 1);
  });

  it("remembers members only, and who becomes one while its streams are open", async () => {
    const { disk, failures, storages } = world();
    assertEquals(await storages.admit("d", "0d"), undefined);
    assertEquals(await storages.admit("e", ""), undefined);
    assertEquals(disk.writes, 0);
    storages.changed(of("a", "b", "c", "d"), 9, [["b", "0b"], ["d", "0d"], ["x", "0x"]]);
    assertEquals(await storages.admit("d", "0d"), undefined);
    assertEquals(disk.holds.map(({ id, since }) => [id, since]), [["b", 9], ["d", 9]]);
    disk.fault = new Error("EIO");
    storages.changed(of("a", "b", "c", "d", "e"), 12, [["e", "0e"]]);
    await assertRejects(() => storages.admit("e", "0e"), Error, "EIO");
    assertEquals(failures, [disk.fault]);
  });

  it("forgets who was taken out, and not who joined after a configuration that is applied again", async () => {
    const before = [
      { id: "b", storageId: "0b", since: 1 },
      { id: "d", storageId: "0d", since: 9 },
    ];
    const { disk, storages } = world(before, of("a", "b", "d"));
    storages.applied(of("a", "b", "c"), 1);
    storages.applied(of("a", "b", "d"), 9);
    assertEquals(disk.writes, 0);
    assert(await storages.admit("b", "xx") !== undefined);
    assert(await storages.admit("d", "xx") !== undefined);
    storages.applied(of("a", "d"), 12);
    storages.changed(of("a", "b", "d"), 13, []);
    assertEquals(await storages.admit("b", "xx"), undefined);
    assertEquals(disk.holds.map(({ id, storageId }) => [id, storageId]), [
      ["d", "0d"],
      ["b", "xx"],
    ]);
    // The removal is applied again after a restart.
    const later = world(disk.holds, of("a", "b", "d"));
    later.storages.applied(of("a", "d"), 12);
    assert(await later.storages.admit("b", "0b") !== undefined);
  });
});
