import { describe, it } from "node:test";
import { assert } from "@std/assert";
import { Streams } from "../../sim/prng.ts";
import { needs } from "../../tests/_needs.ts";
import { killRepeatedly } from "./_harness_kill.ts";

describe(
  "a process that is killed while it writes the log",
  needs("read", "write", "run", "sys", "env"),
  () => {
    it("leaves all that it acknowledged", async () => {
      const seed = 5;
      assert(await killRepeatedly(4, new Streams(seed).named("kill")) > 0);
    });
  },
);
