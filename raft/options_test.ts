import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { defaultRaftSettings, type RaftOptions, raftSettings } from "./options.ts";

describe("raftSettings()", () => {
  it("has the defaults", () => {
    assertEquals(raftSettings(), defaultRaftSettings);
    assertEquals(raftSettings({ heartbeatMs: 50 }).heartbeatMs, 50);
  });

  it("ignores what is undefined or no setting", () => {
    const options = { heartbeatMs: undefined, id: "a" } as unknown as RaftOptions;
    assertEquals(raftSettings(options), defaultRaftSettings);
  });

  it("refuses what is out of range, and names it", () => {
    const table: RaftOptions[] = [
      { heartbeatMs: 0 },
      { heartbeatMs: NaN },
      { electionTimeoutMs: 100 },
      { electionTimeoutMs: Infinity },
      { maxEntryBytes: 0 },
      { maxEntryBytes: 64 * 1024 * 1024 + 1 },
      { maxAppendBytes: 0.5 },
      { maxAppendEntries: 0 },
      { maxInflightMessages: 0 },
      { maxInflightBytes: 0 },
      { maxUncommittedBytes: 0 },
      { maxApplyingBytes: 0 },
      { maxPendingReads: 0 },
      { trailingEntries: -1 },
      { trailingBytes: -1 },
      { maxClockDrift: 1 },
    ];
    for (const options of table) {
      assertThrows(() => raftSettings(options), RangeError, `'${Object.keys(options)[0]}'`);
    }
    assertThrows(
      () => raftSettings({ leaseReads: true, checkQuorum: false }),
      RangeError,
      "'checkQuorum'",
    );
  });

  it("refuses a lease that is over before the next heartbeat", () => {
    const clocks = { heartbeatMs: 100, electionTimeoutMs: 400, maxClockDrift: 0.75 };
    assertThrows(
      () => raftSettings({ ...clocks, leaseReads: true }),
      RangeError,
      "'maxClockDrift'",
    );
    assertEquals(raftSettings(clocks).maxClockDrift, 0.75, "nobody reads by leases");
    assertEquals(
      raftSettings({ ...clocks, leaseReads: true, maxClockDrift: 0.7 }).leaseReads,
      true,
    );
  });
});
