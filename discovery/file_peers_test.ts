import { after, before, describe, it } from "node:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { needs } from "../tests/_needs.ts";
import type { DiscoveryFailure } from "./discovery.ts";
import { filePeers, parsePeers } from "./file_peers.ts";

describe("parsePeers()", () => {
  it("reads lines with comments", () => {
    const text = "\ufeff# seeds\r\n10.0.0.1:1 # rack 1\n\n  [::1]:2\t\nhost\n";
    assertEquals(parsePeers(text), ["10.0.0.1:1", "[::1]:2", "host"]);
    assertEquals(parsePeers(""), []);
    assertEquals(parsePeers("# nobody\n"), []);
  });

  it("tells an array from a bracketed address", () => {
    assertEquals(parsePeers("[::1]:2\n"), ["[::1]:2"]);
    assertEquals(parsePeers(' [ "10.0.0.1:1",\n"host" ]\n'), ["10.0.0.1:1", "host"]);
    assertEquals(parsePeers("[]"), []);
  });

  it("refuses an array of anything else", () => {
    assertThrows(() => parsePeers('["a", 1]'), SyntaxError, "array of strings");
    assertThrows(() => parsePeers('["a"'), SyntaxError);
  });
});

describe("filePeers()", needs("read", "write", "env"), () => {
  let folder: string;
  let path: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "peers-"));
    path = join(folder, "peers");
  });
  after(() => rm(folder, { recursive: true }));

  it("reads the file anew each time, and fills in the port", async () => {
    const peers = filePeers({ path, port: 8080 });
    const failures: string[] = [];
    const onFailure = ({ source }: DiscoveryFailure) => failures.push(source);
    await assertRejects(() => peers.discover({ onFailure }), AggregateError, "Cannot discover");
    assertEquals(failures, [`file ${path}`]);
    await writeFile(path, "10.0.0.1\n10.0.0.2:9\n10.0.0.1:8080\n");
    assertEquals(await peers.discover({ onFailure }), ["10.0.0.1:8080", "10.0.0.2:9"]);
    await writeFile(path, '["10.0.0.3"]');
    assertEquals(await peers.discover(), ["10.0.0.3:8080"]);
    await writeFile(path, "");
    assertEquals(await peers.discover(), []);
    assertEquals(failures.length, 1);
  });

  it("takes a URL, and rejects when aborted", async () => {
    await writeFile(path, "10.0.0.1:1");
    const peers = filePeers({ path: pathToFileURL(path) });
    assertEquals(await peers.discover(), ["10.0.0.1:1"]);
    const signal = AbortSignal.abort(new Error("over"));
    await assertRejects(() => peers.discover({ signal }), Error, "over");
  });
});
