import { assert, assertLessOrEqual } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { needs } from "../tests/_needs.ts";

interface Bundler {
  build(
    options: { entrypoints: string[]; minify: boolean; target: "browser" },
  ): Promise<{ outputs: { text(): Promise<string> }[] }>;
}

const bun = (globalThis as { Bun?: Bundler }).Bun;
const entry = new URL("./mod.ts", import.meta.url);

describe("./shard alone", () => {
  it(
    "mod.ts reaches nothing outside shard/, and no family that is not asked for",
    needs("read"),
    () => {
      const seen = new Set<string>();
      const visit = (url: URL): void => {
        const file = url.href.slice(new URL(".", import.meta.url).href.length);
        assert(
          url.href.startsWith(new URL(".", import.meta.url).href),
          `${url.href} is not in shard/`,
        );
        if (seen.has(file)) return;
        seen.add(file);
        const code = readFileSync(url, "utf8").replaceAll(/\/\*[^]*?\*\//g, "");
        assert(!/\b(import|require)\s*\(/.test(code), `${file} imports at run time`);
        for (
          const [, from] of code.matchAll(/^(?:import |export [{*t]|\})[^;"()]*from "([^"]+)";$/gm)
        ) {
          assert(from!.startsWith("."), `${file} imports ${from}`);
          visit(new URL(from!, url));
        }
      };
      visit(entry);
      assert(seen.has("hash/_engine_bytes.ts") && seen.has("_ring_table.ts"), [...seen].join());
      assert(!seen.has("hash/md5.ts") && !seen.has("hash/sha256.ts"), [...seen].join());
    },
  );

  // Bun is the one of the three runtimes with a bundler inside; elsewhere this is reported as ignored.
  const skip = bun === undefined ? "no bundler in this runtime" : false;
  it("mod.ts bundled, minified and gzipped is at most 12,000 bytes", { skip }, async () => {
    const { outputs } = await bun!.build({
      entrypoints: [decodeURIComponent(entry.pathname)],
      minify: true,
      target: "browser",
    });
    const text = await outputs[0]!.text();
    assert(text.includes("not enough nodes"));
    assertLessOrEqual(gzipSync(text, { level: 9 }).length, 12_000);
  });
});
