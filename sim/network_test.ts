import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { fakeLife, link } from "./_harness.ts";

const COUNT = 1000;

describe("Network in fair weather", () => {
  it("send() delivers everything once, within the latency, to whoever listens there", () => {
    const { simulation, got, send, network } = link(1);
    for (let i = 0; i < COUNT; i++) send(i & 255);
    simulation.run(1e9);
    assertEquals(got.length, COUNT);
    assert(got.every(({ at, packet }) => at >= 1000 && at <= 2000 && !packet.tampered));
    network.send(fakeLife({ name: "a" }), "nobody", new Uint8Array(1));
    simulation.run(2e9);
    assertEquals(got.length, COUNT);
  });

  it("an address that is used again gets what was sent to the one before", () => {
    const { simulation, network, got, send } = link(1);
    send(1);
    let heir = 0;
    network.listen({ ...fakeLife({ name: "c", slot: 2, address: "b" }), packet: () => heir++ });
    simulation.run(1e9);
    assertEquals([got.length, heir], [0, 1]);
  });
});

describe("Network in bad weather", () => {
  it("loses the share that it should", () => {
    const { simulation, got, send } = link(2, { loss: 0.3 });
    for (let i = 0; i < COUNT; i++) send(1);
    simulation.run(1e9);
    assert(got.length > 640 && got.length < 760, `${got.length}`);
  });

  it("duplicates, delays and reorders", () => {
    const { simulation, got, send } = link(3, {
      duplicates: 0.5,
      delayUs: (random) => random() * 1e6,
    });
    for (let i = 0; i < COUNT; i++) send(i % 256);
    simulation.run(1e9);
    assert(got.length > 1400 && got.length < 1600, `${got.length}`);
    assert(got.some(({ at }) => at > 900_000));
    assert(got.some(({ packet }, i) => i > 0 && packet.bytes[0]! < got[i - 1]!.packet.bytes[0]!));
  });

  it("repeats packets much later, and excuses everybody until then", () => {
    const { simulation, network, got, send } = link(4, { echoes: 1, echoUs: () => 60_000_000 });
    send(9);
    simulation.run(1e9);
    assertEquals(got.map(({ packet }) => packet.tampered), [false, true]);
    assertEquals(got[1]!.at, 60_000_000);
    network.skies.clear();
    assertEquals(network.skies.touchedAt(0), 1e9);
  });

  it("changes bytes only under a checksum; cuts any packet short", () => {
    for (const [first, changes] of [[12, true], [3, false]] as const) {
      const { simulation, got, send } = link(5, { corrupts: 1 });
      for (let i = 0; i < 200; i++) send(first);
      simulation.run(1e9);
      const whole = got.filter(({ packet }) => packet.bytes.length === 20);
      assertEquals(whole.length > 0, changes);
      assert(whole.every(({ packet }) => packet.bytes.some((byte) => byte !== first)));
      assert(got.some(({ packet }) => packet.bytes.length < 20));
    }
  });

  it("cuts one way alone, for as long as it lasts", () => {
    const { simulation, network, got, send } = link(6);
    const end = network.skies.begin({ cut: true, covers: (from, to) => from === 0 && to === 1 });
    assert(network.skies.cut(0, 1) && !network.skies.cut(1, 0) && network.skies.parted);
    send(1);
    end();
    send(2);
    simulation.run(1e9);
    assertEquals(got.map(({ packet }) => packet.bytes[0]), [2]);
    assert(network.skies.fair && !network.skies.parted);
  });

  it("a slow link passes its bytes one after the other", () => {
    const { simulation, got, send } = link(7, { bytesPerSecond: 1000 });
    for (let i = 0; i < 5; i++) send(i, 100);
    simulation.run(1e9);
    const times = got.map(({ at }) => at);
    assertEquals(got.map(({ packet }) => packet.bytes[0]), [0, 1, 2, 3, 4]);
    assert(times.every((at, i) => at >= (i + 1) * 100_000));
  });

  it("weather excuses whom it touches, up to its end", () => {
    const { simulation, network } = link(8);
    const end = network.skies.begin({ cut: true, touches: new Set([1]) });
    simulation.run(5000);
    assertEquals(network.skies.touchedAt(1), 5000);
    end();
    simulation.run(9000);
    assertEquals([network.skies.touchedAt(0), network.skies.touchedAt(1)], [-Infinity, 5000]);
  });
});
