import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { keepAll, type SimDisk } from "../../sim/disk.ts";
import { chance } from "../../sim/draw.ts";
import { LogOnDisk } from "../../sim/log_on_disk.ts";
import { Streams } from "../../sim/prng.ts";
import { livesOf, LogLives, smallLog } from "./_harness_log.ts";

/** Opens what a crash left, and checks it. */
function checked(lives: LogLives, disk: SimDisk): void {
  const found = { expected: true, snapshots: lives.model.snapshots };
  const log = new LogOnDisk(disk, smallLog, found);
  lives.check(log.recovery.opened);
}

describe("the log after a crash", () => {
  it("holds all that was acknowledged, and nothing torn: drawn lives", () => {
    const all = { crashes: 0, torn: 0, poisoned: 0, segments: 0 };
    for (let seed = 1; seed <= 200; seed++) {
      const { crashes, torn, poisoned, segments } = livesOf(seed);
      all.crashes += crashes;
      all.torn += torn;
      all.poisoned += poisoned;
      all.segments = Math.max(all.segments, segments);
    }
    assert(
      all.crashes > 400 && all.torn > 10 && all.poisoned > 20 && all.segments > 3,
      JSON.stringify(all),
    );
  });

  it("holds it for a stop at every byte of every write", () => {
    const random = new Streams(7).named("log");
    const lives = new LogLives(random);
    let cases = 0;
    for (let acts = 0; acts < 90; acts++) {
      if (chance(random, 0.4)) lives.append();
      const [lane] = lives.log.lanes;
      const step = lane && lives.log.pending(lane);
      if (step?.type === "write" || step?.type === "create") {
        const bytes = step.type === "write" ? step.bytes.length : step.sizeBytes;
        for (let upTo = 0; upTo <= bytes; upTo += step.type === "write" ? 1 : 256) {
          const disk = lives.forkedDisk();
          disk.perform(step, upTo);
          disk.crash(keepAll);
          checked(lives, disk);
          cases++;
        }
      }
      lives.turn();
    }
    assert(cases > 3000);
  });

  it("holds it for a stop between any two steps, whatever sector is lost", () => {
    const random = new Streams(11).named("log");
    const lives = new LogLives(random);
    let cases = 0;
    for (let acts = 0; acts < 300; acts++) {
      if (chance(random, 0.4)) lives.append();
      let sectors = 0;
      const count = lives.forkedDisk();
      count.crash({
        sector: () => {
          sectors++;
          return { version: 0 };
        },
        name: () => true,
      });
      checked(lives, count);
      for (const name of [() => true, () => false]) {
        for (let one = 0; one < sectors; one++) {
          let [i, j] = [0, 0];
          // One sector is lost; then one sector alone survives.
          const without = lives.forkedDisk();
          without.crash({
            sector: (_file, _offset, versions) => ({ version: i++ === one ? 0 : versions }),
            name,
          });
          checked(lives, without);
          const alone = lives.forkedDisk();
          alone.crash({
            sector: (_file, _offset, versions) => ({ version: j++ === one ? versions : 0 }),
            name,
          });
          checked(lives, alone);
          cases += 2;
        }
      }
      lives.turn();
    }
    assert(cases > 500, `${cases}`);
    assertEquals(lives.acknowledged > 10, true);
  });
});
