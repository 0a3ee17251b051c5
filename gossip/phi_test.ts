import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { PhiEstimator, type PhiOptions } from "./phi.ts";

const DEFAULTS: PhiOptions = { priorMs: 1000, minMeanMs: 250, maxGapMs: 10_000 };

/** The same, computed anew from all gaps each time. */
class Naive {
  readonly #options: PhiOptions;
  #gaps: number[] = [];
  #last: number;
  #fresh = true;
  constructor(options: PhiOptions, now: number) {
    this.#options = options;
    this.#last = now;
  }
  heard(now: number): void {
    const gap = Math.max(0, now - this.#last);
    this.#last = Math.max(this.#last, now);
    const { maxGapMs = Infinity, windowSize = 100 } = this.#options;
    if (this.#fresh) this.#gaps = [...this.#gaps, Math.min(gap, maxGapMs)].slice(-windowSize);
    this.#fresh = true;
  }
  restart(): void {
    this.#gaps = [];
    this.#fresh = false;
  }
  suspicion(now: number): number {
    const { priorMs, minMeanMs = priorMs / 4, priorWeight: w = 5 } = this.#options;
    const sum = this.#gaps.reduce((total, gap) => total + gap, 0);
    const mean = Math.max(minMeanMs, (sum + w * priorMs) / (this.#gaps.length + w));
    return Math.max(0, now - this.#last) / mean;
  }
}

describe("PhiEstimator", () => {
  it("30: a peer that was never heard is judged by the prior", () => {
    const peer = new PhiEstimator(DEFAULTS, 0);
    assert(!peer.exceeds(20, 20_000));
    assert(peer.exceeds(20, 20_001));
  });

  it("31: 100 gaps of 500 ms make a mean of 523.8 ms", () => {
    const peer = new PhiEstimator(DEFAULTS, 0);
    for (let i = 1; i <= 100; i++) peer.heard(i * 500);
    assert(Math.abs(peer.meanMs - 55_000 / 105) < 1e-9);
    assert(!peer.exceeds(20, 50_000 + 10_476));
    assert(peer.exceeds(20, 50_000 + 10_477));
  });

  it("32: a score of exactly the threshold is not above it", () => {
    const peer = new PhiEstimator({ priorMs: 100 }, 0);
    assertEquals(peer.suspicion(2000), 20);
    assert(!peer.exceeds(20, 2000));
    assert(peer.exceeds(19.999, 2000));
  });

  it("32: a hundred pairs of heartbeats at once meet the floor, and no NaN", () => {
    const peer = new PhiEstimator(DEFAULTS, 0);
    for (let i = 0; i < 200; i++) peer.heard(0);
    assertEquals(peer.meanMs, 250);
    assertEquals(peer.suspicion(0), 0);
    assertEquals(peer.suspicion(5000), 20);
    assert(!peer.exceeds(20, 5000) && peer.exceeds(20, 5001));
  });

  it("35: one long gap moves the mean by its clamped length only", () => {
    const peer = new PhiEstimator(DEFAULTS, 0);
    let now = 0;
    for (let i = 0; i < 50; i++) peer.heard(now += 500);
    const before = peer.meanMs;
    peer.heard(now += 60_000);
    const risen = peer.meanMs - before;
    assert(risen > 0 && risen <= (10_000 - before) / 51, `${risen}`);
  });

  it("phi() is the decimal logarithm of the chance that the peer is only late", () => {
    const table: readonly [silenceMs: number, score: number, phi: number][] = [
      [0, 0, 0],
      [1000, 1, 0.4343],
      [2303, 2.303, 1.0002],
      [8000, 8, 3.4744], // chitchat's threshold
      [18_421, 18.421, 8.0001], // a true φ of 8
      [20_000, 20, 8.6859], // Kite's threshold
    ];
    const peer = new PhiEstimator(DEFAULTS, 0);
    for (const [silence, score, phi] of table) {
      assert(Math.abs(peer.suspicion(silence) - score) < 1e-9);
      assert(Math.abs(peer.phi(silence) - phi) < 1e-4, `${peer.phi(silence)}`);
      assert(Math.abs(peer.phi(silence) + Math.log10(Math.exp(-score))) < 1e-9);
    }
  });

  it("restart() forgets the gaps, and the next heartbeat ends none", () => {
    const peer = new PhiEstimator(DEFAULTS, 0);
    for (let i = 1; i <= 100; i++) peer.heard(i * 100);
    peer.restart();
    assertEquals([peer.gaps, peer.meanMs], [0, 1000]);
    peer.heard(500_000);
    assertEquals([peer.gaps, peer.meanMs, peer.suspicion(500_000)], [0, 1000, 0]);
    peer.heard(500_400);
    assertEquals([peer.gaps, peer.meanMs], [1, 900]);
  });

  it("equals a naive twin that adds all gaps anew, whatever the clock does", () => {
    const instant = fc.oneof(
      fc.integer({ min: -1000, max: 100_000 }),
      fc.constantFrom(0, 1e9, 1e12, 0.001, 123.456),
    );
    const operation = fc.oneof(
      fc.record({ type: fc.constant("heard" as const), now: instant }),
      fc.record({ type: fc.constant("asked" as const), now: instant }),
      fc.record({ type: fc.constant("restart" as const), now: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const options = { ...DEFAULTS, windowSize: 7 };
        const peer = new PhiEstimator(options, 0);
        const naive = new Naive(options, 0);
        for (const { type, now } of operations) {
          if (type === "restart") {
            peer.restart();
            naive.restart();
          } else if (type === "heard") {
            peer.heard(now);
            naive.heard(now);
          }
          const [score, expected] = [peer.suspicion(now), naive.suspicion(now)];
          assert(Number.isFinite(score) && score >= 0);
          assert(
            Math.abs(score - expected) <= 1e-6 * Math.max(1, expected),
            `${score} ${expected}`,
          );
          for (const threshold of [4, 20]) {
            const apart = Math.abs(expected - threshold) > 1e-6 * threshold;
            if (apart) assertEquals(peer.exceeds(threshold, now), expected > threshold);
          }
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("a million gaps leave no error in the sum", () => {
    const peer = new PhiEstimator({ priorMs: 1000, windowSize: 3, priorWeight: 1 }, 0);
    let now = 0;
    for (let i = 0; i < 100_000; i++) peer.heard(now += (i % 7) * 0.1);
    for (let i = 0; i < 3; i++) peer.heard(now += 1000);
    assert(Math.abs(peer.meanMs - 1000) < 0.001);
  });

  it("options outside their range are refused by name", () => {
    for (const name of ["priorMs", "priorWeight", "windowSize", "maxGapMs", "minMeanMs"]) {
      for (const value of [0, -1, NaN]) {
        const options = { ...DEFAULTS, [name]: value };
        assertThrows(() => new PhiEstimator(options, 0), RangeError, `'${name}'`);
      }
    }
  });
});
