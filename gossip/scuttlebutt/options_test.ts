import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { scuttlebuttSettings } from "./options.ts";
import { scuttlebutt } from "./scuttlebutt.ts";

const CONTEXT = {
  name: "a",
  address: "10.0.0.1:7000",
  clusterName: "prod",
  generation: 1,
  random: () => 0.5,
  now: 0,
};

describe("scuttlebutt() options", () => {
  it("the defaults are Kite's", () => {
    const settings = scuttlebuttSettings();
    assertEquals(settings.gossipIntervalMs, 500);
    assertEquals(settings.maxPacketBytes, 1400);
    assertEquals(settings.suspicionThreshold, 20);
    assertEquals(settings.compactThreshold, 500);
    assertEquals(settings.streamTimeoutMs, 10_000);
    assertEquals([settings.downExpiryMs, settings.leftExpiryMs], [900_000, 60_000]);
    assert(Object.isFrozen(settings));
  });

  it("a slow interval lengthens the expiry", () => {
    const { downExpiryMs, graveyardMs } = scuttlebuttSettings({ gossipIntervalMs: 5000 });
    assertEquals([downExpiryMs, graveyardMs], [1_600_000, 3_200_000]);
  });

  it("every option outside its range is refused by name", () => {
    for (const name of Object.keys(scuttlebuttSettings())) {
      for (const value of [NaN, -1, 1e15, "1" as never]) {
        assertThrows(() => scuttlebutt({ [name]: value }), RangeError, name);
      }
    }
    assertThrows(() => scuttlebutt({ maxPacketBytes: 511 }), RangeError, "512");
    assertThrows(() => scuttlebutt({ fanout: 1.5 }), RangeError, "integer");
    assertThrows(() => scuttlebutt({ downExpiryMs: 159_999 }), RangeError, "160000");
    assertThrows(() => scuttlebutt({ graveyardMs: 10 }), RangeError, "graveyardMs");
    assertThrows(() => scuttlebutt({ fanOut: 1 } as never), TypeError, "fanOut");
    assertThrows(() => scuttlebutt({ fanout: "2" as never }), RangeError, 'current value is "2"');
    for (const options of [null, 5, "fast"]) {
      assertThrows(() => scuttlebutt(options as never), TypeError, "must be an object");
    }
  });

  it("a context outside its ranges is refused by name", () => {
    const refused = [
      { name: "" },
      { name: "é".repeat(128) },
      { name: "a\0b" },
      { address: "host:80" },
      { clusterName: "c".repeat(65) },
      { generation: 0 },
      { generation: 1.5 },
      { generation: 2 ** 53 - 1 },
    ];
    for (const part of refused) {
      const [name] = Object.keys(part);
      assertThrows(() => scuttlebutt().create({ ...CONTEXT, ...part }), RangeError, `'${name}'`);
    }
  });
});
