import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { Awareness } from "./awareness.ts";
import { Suspicion } from "./suspicion.ts";

const settings = { suspicionMult: 4, suspicionMaxTimeoutMult: 6, probeIntervalMs: 5000 };

describe("Suspicion", () => {
  it("lasts 120, 56.907 and 20 s with 0, 1 and 2 further accusers of 4 nodes (C-77)", () => {
    const suspicion = new Suspicion("a", { ...settings, n: 4, now: 1000 });
    assertEquals(suspicion.deadline, 121_000);
    assertEquals(suspicion.confirm("b", 1500), true);
    assertEquals(suspicion.deadline, 57_907);
    assertEquals(suspicion.confirm("c", 9000), true);
    assertEquals(suspicion.deadline, 21_000);
  });

  it("counts each accuser once, the first one not, and no more than wanted (C-78)", () => {
    const suspicion = new Suspicion("a", { ...settings, n: 4, now: 0 });
    assertEquals(["a", "b", "b", "c", "d"].map((from) => suspicion.confirm(from, 10)), [
      false,
      true,
      false,
      true,
      false,
    ]);
    assertEquals(suspicion.confirmations, 2);
  });

  it("is due at once when confirmed after its shorter time has passed", () => {
    const suspicion = new Suspicion("a", { ...settings, n: 4, now: 0 });
    suspicion.confirm("b", 60_000);
    assertEquals(suspicion.deadline, 56_907);
  });

  it("lasts the minimum where nobody can confirm (C-76)", () => {
    const suspicion = new Suspicion("a", { ...settings, n: 3, now: 0 });
    assertEquals(suspicion.deadline, 20_000);
    assertEquals(suspicion.confirm("b", 10), false);
  });

  it("postpone() shifts the deadline, and keeps the time out of later confirmations", () => {
    const suspicion = new Suspicion("a", { ...settings, n: 4, now: 0 });
    suspicion.postpone({ now: 7000, lateMs: 7000, graceMs: 5000 });
    assertEquals(suspicion.deadline, 127_000);
    suspicion.confirm("b", 8000);
    assertEquals(suspicion.deadline, 63_907);
  });

  it("postpone() leaves time to read what waited, also before the confirmations among it", () => {
    const suspicion = new Suspicion("a", { ...settings, n: 4, now: 0 });
    suspicion.postpone({ now: 180_000, lateMs: 60_000, graceMs: 5000 });
    assertEquals(suspicion.deadline, 185_000);
    suspicion.confirm("b", 180_001);
    suspicion.confirm("c", 180_002);
    assertEquals(suspicion.deadline, 185_000);
  });

  it("postpone() works eight times: what is always late still ends", () => {
    const suspicion = new Suspicion("a", { ...settings, n: 3, now: 0 });
    for (let i = 1; i <= 20; i++) suspicion.postpone({ now: i * 1000, lateMs: 999, graceMs: 999 });
    assertEquals(suspicion.deadline, 20_000 + 8 * 999);
  });
});

describe("Awareness", () => {
  it("stays within 0 and the multiplier less 1, and scales durations", () => {
    const awareness = new Awareness(8);
    assertEquals(awareness.scaleMs(5000), 5000);
    awareness.apply(-3);
    assertEquals(awareness.score, 0);
    awareness.apply(2);
    assertEquals(awareness.scaleMs(5000), 15_000);
    awareness.apply(50);
    assertEquals(awareness.score, 7);
    assertEquals(awareness.scaleMs(5000), 40_000);
  });
});
