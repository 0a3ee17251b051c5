import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { assert } from "@std/assert";
import { needs } from "./_needs.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const runtimes = {
  Deno: ["run", "-A", "--quiet", "-"],
  Bun: ["run", "-"],
  Node: ["--input-type=module", "-"],
} as const;

/** Which of the three this is; `process.version` would not tell. */
function here(): keyof typeof runtimes {
  if ("Deno" in globalThis) return "Deno";
  return "Bun" in globalThis ? "Bun" : "Node";
}

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

describe("docs/transport.md", needs("net", "read", "run", "env"), () => {
  it("mounts the transport in this runtime's own server, and takes a packet", async () => {
    const text = readFileSync(`${root}docs/transport.md`, "utf8");
    const block = new RegExp(`### ${here()}\\n\\n\`\`\`ts ignore\\n([^]*?)\`\`\``).exec(text)?.[1];
    assert(block !== undefined, `no block for ${here()}`);
    const port = await freePort();
    const program = `${block.replaceAll("12345", String(port))}
http2().send("127.0.0.1:${port}", Uint8Array.of(1, 2, 3));
`;
    const child = spawn(process.execPath, [...runtimes[here()]], {
      cwd: root,
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    try {
      child.stdin!.end(program);
      await new Promise<void>((resolve, reject) => {
        let printed = "";
        child.stdout!.on("data", (chunk) => {
          printed += chunk;
          if (/1,\s*2,\s*3/.test(printed)) resolve();
        });
        child.on("error", reject);
        child.on("close", () => reject(new Error(`it ended; it printed: ${printed}`)));
      });
    } finally {
      child.kill("SIGKILL");
    }
  });
});
