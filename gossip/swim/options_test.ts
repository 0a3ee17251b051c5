import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { type SwimOptions, swimSettings } from "./options.ts";
import { swim } from "./swim.ts";

describe("swimSettings()", () => {
  it("is ckit's configuration by default", () => {
    const { probeIntervalMs, probeTimeoutMs, streamTimeoutMs, maxPacketBytes, lagThresholdMs } =
      swimSettings();
    assertEquals([probeIntervalMs, probeTimeoutMs, streamTimeoutMs, maxPacketBytes], [
      5000,
      2000,
      2000,
      10_485_760,
    ]);
    assertEquals(lagThresholdMs, 500);
  });

  it("takes a preset by name or beside settings of one's own; undefined is no setting", () => {
    assertEquals(swimSettings("lan").probeIntervalMs, 1000);
    const mixed = swimSettings({ preset: "wan", gossipNodes: 7, probeTimeoutMs: undefined! });
    assertEquals([mixed.gossipNodes, mixed.probeTimeoutMs, mixed.gossipIntervalMs], [7, 3000, 500]);
    assertEquals(swimSettings("fast").lagThresholdMs, 100);
    assertEquals(swimSettings({ probeTimeoutMs: 800 }).lagThresholdMs, 200);
  });

  const bad: readonly (readonly [string, Parameters<typeof swimSettings>[0]])[] = [
    ["preset", "slow" as "fast"],
    ["preset", "constructor" as "fast"],
    ["probeIntervalMs", { probeIntervalMs: 0 }],
    ["probeTimeoutMs", { probeTimeoutMs: 5000 }],
    ["gossipNodes", { gossipNodes: 1.5 }],
    ["indirectChecks", { indirectChecks: -1 }],
    ["suspicionMult", { suspicionMult: NaN }],
    ["leaveTimeoutMs", { leaveTimeoutMs: Infinity }],
  ];
  for (const [name, options] of bad) {
    it(`names '${name}' when it is out of range: ${JSON.stringify(options)}`, () => {
      assertThrows(() => swimSettings(options), RangeError, name);
    });
  }
});

describe("swim()", () => {
  const context = {
    name: "a",
    address: "10.0.0.1:80",
    clusterName: "",
    generation: 1,
    random: () => 0.5,
    now: 0,
  };
  for (
    const [field, value] of [["name", ""], ["address", "host:80"], ["generation", -1]] as const
  ) {
    it(`create() names '${field}' when it is out of range`, () => {
      assertThrows(() => swim().create({ ...context, [field]: value }), RangeError, field);
    });
  }

  it("create() refuses a cluster name that no label holds", () => {
    assertThrows(() => swim().create({ ...context, clusterName: "x".repeat(256) }), RangeError);
  });

  it("refuses an option that does not exist, by name", () => {
    const mistyped = { probeInterval: 5 } as SwimOptions;
    assertThrows(() => swimSettings(mistyped), TypeError, "'probeInterval'");
  });
});
