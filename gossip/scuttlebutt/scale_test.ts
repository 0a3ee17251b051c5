import { assert } from "@std/assert";
import { describe, it } from "node:test";
import { churn, crashMs, meeting, spreadRounds } from "./_harness_scale.ts";

/** Some seconds of work: Bun gives a test five unless told otherwise. */
const LONG = { timeout: 120_000 };

describe("scuttlebutt() at scale", () => {
  it("a write is known to all of 10 nodes after 2.3 rounds on average", LONG, () => {
    const { mean, most } = spreadRounds({ nodes: 10, writes: 300, seed: 1 });
    assert(mean > 0.9 * 2.3 && mean < 1.1 * 2.3, `${mean}`);
    assert(most <= 8, `${most}`);
  });

  it("a write is known to all of 100 nodes after 4.5 rounds on average", LONG, () => {
    const { mean, most } = spreadRounds({
      nodes: 100,
      writes: 20,
      seed: 2,
      maxPacketBytes: 16_384,
    });
    assert(mean > 0.9 * 4.5 && mean < 1.1 * 4.5, `${mean}`);
    assert(most <= 10, `${most}`);
  });

  it("a crash is known to all of 100 nodes within 20 s", LONG, () => {
    const ms = crashMs({ nodes: 100, seed: 3 });
    assert(ms > 8000 && ms <= 20_000, `${ms}`);
  });

  it("nodes whose digests go by many pages meet soon, and hold nobody for down", LONG, () => {
    // A page lists about one in ten.
    const { metMs, downs } = meeting({
      nodes: 90,
      seed: 5,
      maxPacketBytes: 512,
      idBytes: 40,
      listenMs: 40_000,
    });
    assert(metMs <= 15_000, `${metMs}`);
    assert(downs === 0, `${downs}`);
  });

  it("nodes that come and go leave memory and digests flat", LONG, () => {
    const { digestBytes, records, graves } = churn({ nodes: 12, ids: 60, seed: 4 });
    assert(digestBytes <= 12 * 16, `${digestBytes}`);
    assert(records === 12, `${records}`);
    assert(graves <= 60, `${graves}`);
  });
});
