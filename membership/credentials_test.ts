import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { assert, assertThrows } from "@std/assert";
import type { ClientTlsOptions } from "../transport/http2.ts";
import { needs } from "../tests/_needs.ts";
import { Node } from "./node.ts";

const pem = (file: string) =>
  readFileSync(new URL(`../testdata/tls/${file}.pem`, import.meta.url), "utf8");

const create = (tls: ClientTlsOptions) =>
  new Node({ name: "a", advertiseAddr: "10.0.0.1:80", clusterName: "test", tls });

describe("checkCredentials()", needs("read"), () => {
  it("takes what fits together", async () => {
    const [ca, cert, key] = [pem("ca"), pem("node"), pem("node-key")];
    for (
      const tls of [
        {},
        { ca },
        { ca: `${ca}\n${cert}`, cert: cert + ca, key },
        { certificates: () => ({ ca, cert, key }) },
      ]
    ) await create(tls).stop();
  });

  const bad: readonly (readonly [string, string, () => ClientTlsOptions])[] = [
    ["a certificate that is none", "'tls.cert'", () => ({
      cert: "garbage",
      key: pem("node-key"),
    })],
    ["a damaged certificate", "'tls.cert'", () => ({
      cert: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      key: pem("node-key"),
    })],
    ["a key that is none", "'tls.key'", () => ({ cert: pem("node"), key: "secret" })],
    ["another certificate's key", "'tls.key'", () => ({
      cert: pem("node"),
      key: pem("node-new-key"),
    })],
    ["a certificate without key", "'tls.key'", () => ({ cert: pem("node") })],
    ["a key without certificate", "'tls.cert'", () => ({ key: pem("node-key") })],
    ["an authority that is none", "'tls.ca'", () => ({ ca: "garbage" })],
    ["bad credentials from a callback", "'tls.certificates().ca'", () => ({
      certificates: () => ({ ca: "garbage" }),
    })],
    ["a callback that is none", "'tls.certificates'", () => ({
      certificates: {} as () => object,
    })],
  ];
  for (const [what, option, tls] of bad) {
    it(`refuses ${what}`, () => {
      const error = assertThrows(() => create(tls()), TypeError, option);
      assert(!error.message.includes("secret"), "a key must not show");
    });
  }
});
