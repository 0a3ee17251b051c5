/**
 * Rebuilds `shard/hash/_engine_bytes.ts` from `engine.as.txt` and `text.wat`: `deno run -A tasks/wasm/build.ts`, or with `--check` only tells
 * whether the committed bytes are what the source gives. Needs the npm registry (assemblyscript 0.28.20, binaryen).
 */
import { encodeHex } from "@std/encoding";

function literal(bytes: Uint8Array): string {
  const lines = encodeHex(bytes).match(/.{1,92}/g) ?? [];
  return lines.map((line) => `  "${line}"`).join(" +\n");
}

/** A bit of binaryen's feature set that its JavaScript binding has no name for. */
const CUSTOM_DESCRIPTORS = 1 << 21;

const root = new URL("../../", import.meta.url);
const target = new URL("shard/hash/_engine_bytes.ts", root);
const directory = await Deno.makeTempDir();

try {
  await Deno.copyFile(new URL("tasks/wasm/engine.as.txt", root), `${directory}/engine.ts`);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "npm:assemblyscript@0.28.20/asc", "engine.ts"]
      .concat([
        "-O3",
        "--shrinkLevel",
        "1",
        "--runtime",
        "stub",
        "--noAssert",
        "--noExportMemory",
        "--importMemory",
      ])
      .concat(["--initialMemory", "2", "--textFile", "engine.wat"]),
    cwd: directory,
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) Deno.exit(1);
  const { default: binaryen } = await import("npm:binaryen@131.0.0-nightly.20260721");
  const engine = await Deno.readTextFile(`${directory}/engine.wat`);
  const strings = await Deno.readTextFile(new URL("tasks/wasm/text.wat", root));
  const module = binaryen.parseText(
    engine.replace(/\(import "env" "memory".*\n/, (line) => `${line}${strings}\n`),
  );
  // Without custom descriptors, whose exact types no engine reads yet.
  module.setFeatures(binaryen.Features.All & ~CUSTOM_DESCRIPTORS);
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(1);
  module.optimize();
  const bytes = module.emitBinary();
  const text = [
    "// Written by tasks/wasm/build.ts from engine.as.txt and text.wat beside it: do not edit.",
    "",
    `/** The WebAssembly module of the engine (${bytes.length} bytes), in hexadecimal: gzip sees its repetitions, which base64 hides. */`,
    `export const ENGINE_HEX: string =\n${literal(bytes)};`,
    "",
  ].join("\n");
  if (Deno.args.includes("--check")) {
    const same = await Deno.readTextFile(target) === text;
    // deno-lint-ignore no-console
    console.log(same ? "engine bytes are reproducible" : "engine bytes differ from the source");
    if (!same) Deno.exit(1);
  } else {
    await Deno.writeTextFile(target, text);
    // deno-lint-ignore no-console
    console.log(`${bytes.length} bytes`);
  }
} finally {
  await Deno.remove(directory, { recursive: true });
}
