/**
 * Checks keys and certificates where they are given, and not where the first handshake fails.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { ClientTlsOptions, TlsCredentials } from "../transport/http2.ts";
import { shown } from "./words.ts";

const kinds: { readonly [Option in keyof Required<ClientTlsOptions>]: string } = {
  ca: "string",
  cert: "string",
  key: "string",
  certificates: "function",
  serverName: "string",
  rejectUnauthorized: "boolean",
};

/**
 * Checks that PEM texts are what they should be, and that the key is the certificate's. Whether peers trust the certificate, and whether
 * it has expired, shows only in use.
 *
 * @throws {TypeError} When one is not; the message names the field below `tls`.
 */
export function checkCredentials(tls: ClientTlsOptions): void {
  for (const [option, value] of Object.entries(tls)) {
    if (!Object.hasOwn(kinds, option)) {
      fail(`there is no option 'tls.${option}': known are ${Object.keys(kinds).join(", ")}`);
    }
    const kind = kinds[option as keyof ClientTlsOptions];
    // A key must not show.
    if (value !== undefined && typeof value !== kind) fail(`'tls.${option}' must be a ${kind}`);
  }
  if (tls.certificates === undefined) return check("tls", tls);
  let credentials: unknown;
  try {
    credentials = tls.certificates();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : shown(cause);
    fail(`'tls.certificates' must give certificates: ${reason}`, cause);
  }
  if (typeof credentials !== "object" || credentials === null || "then" in credentials) {
    fail("'tls.certificates()' must be an object at once, as it is asked at every use");
  }
  check("tls.certificates()", credentials);
}

function check(where: string, { ca, cert, key }: TlsCredentials): void {
  if (ca !== undefined) certificates(`${where}.ca`, ca);
  const chain = cert === undefined ? undefined : certificates(`${where}.cert`, cert);
  if ((cert === undefined) !== (key === undefined)) {
    fail(`'${where}.cert' and '${where}.key' belong together: current value has only one`);
  }
  if (key === undefined || chain === undefined) return;
  const privateKey = parsed(`${where}.key`, "a private key", () => createPrivateKey(key));
  if (!chain[0]!.checkPrivateKey(privateKey)) {
    fail(`'${where}.key' must be the key of the first certificate in '${where}.cert'`);
  }
}

function certificates(option: string, pem: string): readonly X509Certificate[] {
  return parsed(option, "certificates", () => {
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
    if (blocks === null) throw new Error("there is none in it");
    return blocks.map((block) => new X509Certificate(block));
  });
}

/** The text itself is never quoted: it may be a key. */
function parsed<T>(option: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return fail(`'${option}' must hold ${what} as PEM: ${reason}`, cause);
  }
}

function fail(rule: string, cause?: unknown): never {
  throw new TypeError(
    `Cannot create a node as ${rule}`,
    cause === undefined ? undefined : { cause },
  );
}
