import { assert } from "@std/assert";
import { describe, it } from "node:test";
import { swim } from "../gossip/swim/swim.ts";
import { churn } from "./churn.ts";

describe("churn()", () => {
  it("600 names through 8 nodes leave nothing behind", { timeout: 300_000 }, () => {
    const { records } = churn({
      seed: 1,
      strategy: swim("fast"),
      nodes: 8,
      names: 600,
      everyMs: 2000,
    });
    assert(records[1] < 8 + 120, `${records}`);
  });
});
