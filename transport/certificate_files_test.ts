import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { needs } from "../tests/_needs.ts";
import { certificateFiles, type CertificateFilesOptions } from "./certificate_files.ts";
import { http2, listen, UnreachableError } from "./mod.ts";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../testdata/tls/${name}`, import.meta.url));

const text = (name: string) => readFileSync(fixture(name), "utf8");

describe("certificateFiles()", needs("read", "write", "env", "net"), () => {
  let folder = "";
  let now = 0;
  let failures: string[] = [];
  const path = (name: string) => join(folder, name);
  const files = (): CertificateFilesOptions => ({
    ca: path("ca.pem"),
    cert: path("cert.pem"),
    key: path("key.pem"),
    now: () => now,
    onFailure: ({ message }) => failures.push(message),
  });

  /** Replaces a file as a renewal does: by renaming. */
  const put = (from: string, to: string) => {
    copyFileSync(fixture(from), path("next"));
    renameSync(path("next"), path(to));
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "certificates-"));
    now = 0;
    failures = [];
    put("ca.pem", "ca.pem");
    put("node-old-cert.pem", "cert.pem");
    put("node-old-key.pem", "key.pem");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("gives one object until a file changes, and looks no more often than asked", () => {
    const certificates = certificateFiles(files());
    const first = certificates();
    put("node-new-cert.pem", "cert.pem");
    put("node-new-key.pem", "key.pem");
    now = 999;
    assertEquals(certificates() === first, true);
    now = 1000;
    const second = certificates();
    assertNotEquals(second.cert, first.cert);
    now = 5000;
    assertEquals(certificates() === second, true);
    assertEquals(failures, []);
  });

  it("uses nothing of a renewal that is half done, and says so once", () => {
    const certificates = certificateFiles(files());
    const first = certificates();
    put("node-new-cert.pem", "cert.pem");
    for (now of [1000, 2000, 3000]) assertEquals(certificates() === first, true);
    assertEquals(failures.length, 1);
    assert(failures[0]!.includes(`${path("key.pem")}: it is not the key of the certificate`));
    put("node-new-key.pem", "key.pem");
    now = 4000;
    assertNotEquals(certificates().cert, first.cert);
  });

  it("goes on with the former ones while a file is missing or nonsense", () => {
    const certificates = certificateFiles(files());
    const first = certificates();
    rmSync(path("ca.pem"));
    now = 1000;
    assertEquals(certificates() === first, true);
    writeFileSync(path("ca.pem"), "no certificate");
    now = 2000;
    assertEquals(certificates() === first, true);
    put("ca.pem", "ca.pem");
    now = 3000;
    assertEquals(certificates() === first, false);
    assertEquals([certificates(), failures.length], [first, 2]);
  });

  it("sees a link that is swapped, as in a mounted Kubernetes secret", () => {
    symlinkSync(path("ca.pem"), path("..data"));
    const certificates = certificateFiles({ ca: path("..data"), now: () => now });
    const first = certificates();
    copyFileSync(fixture("ca-new-cert.pem"), path("other"));
    symlinkSync(path("other"), path("..next"));
    renameSync(path("..next"), path("..data"));
    now = 1000;
    assertNotEquals(certificates().ca, first.ca);
  });

  it("refuses what cannot be used, and names the file or the option", () => {
    const { key: _key, ...single } = files();
    assertThrows(() => certificateFiles(single), TypeError, "'cert' and 'key' belong together");
    assertThrows(() => certificateFiles({ cart: "x" } as never), TypeError, "no option 'cart'");
    assertThrows(() => certificateFiles({ checkIntervalMs: -1 }), RangeError, "value is -1");
    assertThrows(() => certificateFiles({ ca: path("none") }), TypeError, path("none"));
    put("node-new-key.pem", "key.pem");
    assertThrows(() => certificateFiles(files()), TypeError, path("key.pem"));
  });

  it("renews both ends of mutual TLS while they run", async () => {
    put("ca-old-cert.pem", "ca.pem");
    const certificates = certificateFiles({ ...files(), checkIntervalMs: 0 });
    const server = http2();
    const transport = http2({ tls: { certificates } });
    const renewed = http2({
      tls: {
        ca: text("ca-new-cert.pem"),
        cert: text("node-new-cert.pem"),
        key: text("node-new-key.pem"),
      },
    });
    const listener = await listen({
      fetch: server.fetch,
      tls: { certificates, requestClientCert: true },
    });
    try {
      server.serve({ packet: () => {}, connection: (conn) => void conn.close() });
      await (await transport.dial(listener.addr)).close();
      await assertRejects(() => renewed.dial(listener.addr), UnreachableError);
      put("ca-new-cert.pem", "ca.pem");
      put("node-new-cert.pem", "cert.pem");
      put("node-new-key.pem", "key.pem");
      // Bun asks for certificates once a second, and when a handshake has already begun: that one still shows the former.
      if ("Bun" in globalThis) await renewed.dial(listener.addr).catch(() => {});
      await (await renewed.dial(listener.addr)).close();
      await (await transport.dial(listener.addr)).close();
    } finally {
      await Promise.all([transport.close(), renewed.close(), server.close()]);
      await listener.close();
    }
  });
});
