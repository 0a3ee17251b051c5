/**
 * Certificates in files that somebody else renews.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { TlsCredentials } from "./http2/options.ts";

/** Options of {@link certificateFiles}. */
export interface CertificateFilesOptions {
  /** File with the authorities that peers are checked against, PEM. @default {undefined} those of the runtime */
  readonly ca?: string | URL;
  /** File with the own certificate chain, PEM; only together with {@link key}. @default {undefined} none is shown to peers */
  readonly cert?: string | URL;
  /** File with the private key of {@link cert}, PEM. @default {undefined} */
  readonly key?: string | URL;
  /** How long what was read is taken for current before the files are looked at again, 0 to 86,400,000 ms. @default {1000} */
  readonly checkIntervalMs?: number;
  /**
   * Told once of each set of files that cannot be used: one is missing, is no PEM, or the key is not the certificate's. The former
   * certificates stay in use, and the next change is tried again. @default {() => {}}
   */
  readonly onFailure?: (error: Error) => void;
  /** Monotonic time in milliseconds. @default {() => performance.now()} */
  readonly now?: () => number;
}

const known = ["ca", "cert", "key", "checkIntervalMs", "onFailure", "now"];
const contents = ["ca", "cert", "key"] as const;

/**
 * Certificates from files, re-read when these change: for `certificates` of {@link ClientTlsOptions} and `listen()`. At most once in
 * `checkIntervalMs`, when the certificates are asked for, the files' times, sizes and inodes are looked at (tens of microseconds); no
 * watcher and no timer, so there is nothing to close, and a renewal by renaming or by swapping a symbolic link (Kubernetes) is seen.
 * Files that do not fit together, as in the middle of a renewal, are not used.
 *
 * @example Usage
 * ```ts
 * import { certificateFiles, http2 } from "@ck/cluster/transport";
 *
 * const certificates = certificateFiles({
 *   ca: "testdata/tls/ca.pem",
 *   cert: "testdata/tls/node.pem",
 *   key: "testdata/tls/node-key.pem",
 * });
 * await using transport = http2({ tls: { certificates } }); // and listen({ tls: { certificates }, … })
 * ```
 *
 * @returns What gives the current certificates: the same object until they change.
 * @throws {TypeError} When an option is unknown, or the files cannot be used; the message names the file, never its content.
 * @throws {RangeError} When `checkIntervalMs` is outside its range.
 */
export function certificateFiles(options: CertificateFilesOptions): () => TlsCredentials {
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) {
      throw new TypeError(
        `Cannot read certificates as there is no option '${option}': known are ${known.join(", ")}`,
      );
    }
  }
  const { checkIntervalMs = 1_000, onFailure = () => {}, now = () => performance.now() } = options;
  if (!(checkIntervalMs >= 0 && checkIntervalMs <= 86_400_000)) {
    throw new RangeError(
      `Cannot read certificates as 'checkIntervalMs' must be from 0 to 86400000: current value is ${checkIntervalMs}`,
    );
  }
  if ((options.cert === undefined) !== (options.key === undefined)) {
    throw new TypeError(
      "Cannot read certificates as 'cert' and 'key' belong together: current value has only one",
    );
  }
  let seen = stamp(options);
  let current = read(options);
  let checkedAt = now();
  return () => {
    const at = now();
    if (at - checkedAt < checkIntervalMs) return current;
    checkedAt = at;
    // Taken before reading: what is written meanwhile shows as a change at the next look.
    const found = stamp(options);
    if (found === seen) return current;
    seen = found;
    try {
      current = read(options);
    } catch (error) {
      onFailure(error as Error);
    }
    return current;
  };
}

/** What tells one state of the files from another; a missing file is a state as well. */
function stamp(options: CertificateFilesOptions): string {
  return contents.map((content) => {
    const file = options[content];
    if (file === undefined) return "";
    try {
      const { ino, mtimeMs, size } = statSync(file);
      return `${ino} ${mtimeMs} ${size}`;
    } catch (error) {
      return String((error as { code?: unknown }).code);
    }
  }).join(" | ");
}

function read(options: CertificateFilesOptions): TlsCredentials {
  const texts: { -readonly [Content in keyof TlsCredentials]: string } = {};
  for (const content of contents) {
    const file = options[content];
    if (file === undefined) continue;
    texts[content] = attempt(file, () => readFileSync(file, "utf8"));
  }
  const { ca, cert, key } = texts;
  if (ca !== undefined) attempt(options.ca!, () => new X509Certificate(ca));
  if (cert !== undefined && key !== undefined) {
    const leaf = attempt(options.cert!, () => new X509Certificate(cert));
    const privateKey = attempt(options.key!, () => createPrivateKey(key));
    attempt(options.key!, () => {
      if (!leaf.checkPrivateKey(privateKey)) {
        throw new Error(`it is not the key of the certificate in ${options.cert}`);
      }
    });
  }
  return Object.freeze(texts);
}

function attempt<T>(file: string | URL, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot read certificates from ${file}: ${reason}`, { cause });
  }
}
