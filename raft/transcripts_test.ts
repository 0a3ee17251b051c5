/**
 * The transcripts of `testdata/`: `UPDATE_TRANSCRIPTS=1 deno task test:deno raft/transcripts_test.ts` writes them anew, to be reviewed as a diff.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { env } from "node:process";
import { describe, it } from "node:test";
import { needs } from "../tests/_needs.ts";
import { retold } from "./_harness_transcript.ts";

const permissions = needs("read", "env");

describe("transcripts", permissions, () => {
  if (permissions.skip !== false) return;
  const folder = new URL("./testdata/", import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith(".txt")).sort();
  const isUpdate = env["UPDATE_TRANSCRIPTS"] === "1";
  for (const name of files) {
    it(name, () => {
      const url = new URL(name, folder);
      const file = readFileSync(url, "utf8");
      const now = retold(file);
      if (isUpdate) writeFileSync(url, now);
      else assertEquals(now.split("\n"), file.replaceAll("\r\n", "\n").split("\n"));
    });
  }

  it("cover each theme", () => assert(files.length >= 20));
});
