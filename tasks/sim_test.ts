import { assert, assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { needs } from "../tests/_needs.ts";
import type { Job } from "./sim_jobs.ts";
import { doRest } from "./sim_kept.ts";
import { doAll } from "./sim_pool.ts";

const program = fileURLToPath(new URL("sim.ts", import.meta.url));
const flags = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];

function sim(
  ...args: readonly string[]
): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, program, ...args], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  return { status, text: stdout + stderr };
}

describe("deno task sim", needs("read", "run", "env"), () => {
  it("tells in one line what it cannot do, with status 2", { timeout: 60_000 }, () => {
    for (
      const args of [
        ["--seeds", "0"],
        ["--nodes", "0"],
        ["--replay", "--keep-nodes", "0"],
        ["--from", String(Number.MAX_SAFE_INTEGER)],
        ["--replay", "--regression", "--entry", "999"],
      ]
    ) {
      const { status, text } = sim(...args);
      assertEquals([status, text.trim().split("\n").length], [2, 1], `${args}: ${text}`);
      assert(/^Cannot simulate as /.test(text), text);
    }
  });

  it("prints the configuration of each seed", { timeout: 60_000 }, () => {
    const { status, text } = sim("--from", "4", "--seeds", "2", "--nodes", "3", "--workers", "1");
    assertEquals(status, 0, text);
    assertEquals(
      [...text.matchAll(/^seed=(\d+) protocol=swim nodes=3 preset=/gm)].map(([, seed]) => seed),
      ["4", "5"],
    );
  });
});

describe("doAll()", needs("read", "run", "env"), () => {
  it("threads change neither what comes out nor the order of what is said", {
    timeout: 60_000,
  }, async () => {
    const seeds = (from: number, nodes: number): Job => ({
      kind: "seeds",
      protocol: "swim",
      announced: true,
      from,
      count: 1,
      nodes,
    });
    const jobs = [seeds(1, 12), seeds(2, 3), seeds(3, 3)];
    const runs = [];
    for (const workers of [1, 2]) {
      const lines: string[] = [];
      const done = await doAll(jobs, { workers, say: (line) => void lines.push(line) });
      runs.push({ lines, results: done.map(({ campaign }) => campaign) });
    }
    assertEquals(runs[0]!.lines.length, 3);
    assertEquals(runs[1], runs[0]);
  });
});

describe("doRest()", needs("read", "write", "run", "env"), () => {
  it("plays what is not kept yet, and the outcome is as if all had been played at once", {
    timeout: 60_000,
  }, async () => {
    const job = (from: number): Job => ({
      kind: "seeds",
      protocol: "swim",
      announced: false,
      from,
      count: 1,
      nodes: 3,
    });
    const folder = await mkdtemp(join(tmpdir(), "sim-"));
    try {
      const file = join(folder, "kept");
      const played = async (...jobs: readonly Job[]) => {
        const lines: string[] = [];
        const done = await doRest(jobs, { file, workers: 1, say: (line) => void lines.push(line) });
        return { lines, done };
      };
      const first = await played(job(1));
      // As when the process was killed in the middle of a line.
      await appendFile(file, (await readFile(file, "utf8")).slice(0, -9));
      const both = await played(job(1), job(2));
      const again = await played(job(1), job(2));
      assertEquals(first.lines, []);
      assertEquals(both.lines, ["kept from before: 1 of 2 jobs"]);
      assertEquals(again.lines, ["kept from before: 2 of 2 jobs"]);
      assertEquals(both.done[0], first.done[0]);
      assertEquals(again.done, both.done);
      const atOnce = await doAll([job(1), job(2)], { workers: 1 });
      assertEquals(
        both.done.map(({ campaign }) => campaign),
        atOnce.map(({ campaign }) => campaign),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
