/**
 * A tiny DNS server on loopback UDP for tests: answers A, AAAA and SRV from a table, or fails on demand (RFC 1035 section 4).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { parseIp } from "../advertise/ip.ts";
import type { SrvRecord } from "./dns_resolver.ts";

/** How the server treats queries. */
export type DnsMode = "answer" | "servfail" | "silent";

const TYPES: ReadonlyMap<number, "A" | "AAAA" | "SRV"> = new Map([
  [1, "A"],
  [28, "AAAA"],
  [33, "SRV"],
]);

function encodeName(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}

function encodeSrv({ priority, weight, port, name }: SrvRecord): Buffer {
  const fixed = Buffer.alloc(6);
  fixed.writeUInt16BE(priority, 0);
  fixed.writeUInt16BE(weight, 2);
  fixed.writeUInt16BE(port, 4);
  return Buffer.concat([fixed, encodeName(name)]);
}

/** The server. Its tables and its mode may change at any time. */
export class DnsServer {
  /** How queries are treated from now on. */
  mode: DnsMode = "answer";
  /** Addresses by name; a name in neither table does not exist. */
  readonly addresses: Map<string, readonly string[]> = new Map();
  /** SRV records by name. */
  readonly services: Map<string, readonly SrvRecord[]> = new Map();
  /** Queries so far, `A peers.test`. */
  readonly queries: string[] = [];
  readonly #socket: Socket = createSocket("udp4");
  #onQuery: () => void = () => {};

  /** Begins to serve; resolves to `127.0.0.1:port`. */
  async listen(): Promise<string> {
    // A reply to a query that was given up comes back as ECONNREFUSED, on one runtime as an event.
    this.#socket.on("error", () => {});
    this.#socket.on("message", (query, from) => {
      const reply = this.#reply(query);
      this.#onQuery();
      if (reply !== undefined) this.#socket.send(reply, from.port, from.address);
    });
    await new Promise<void>((resolve) => this.#socket.bind(0, "127.0.0.1", resolve));
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** Resolves once the next query has arrived. */
  nextQuery(): Promise<void> {
    return new Promise((resolve) => this.#onQuery = resolve);
  }

  /** Stops. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #records(type: string | undefined, name: string): readonly Buffer[] {
    if (type === "SRV") return (this.services.get(name) ?? []).map(encodeSrv);
    const length = type === "A" ? 4 : 16;
    return (this.addresses.get(name) ?? [])
      .map((address) => Buffer.from(parseIp(address)?.bytes ?? []))
      .filter((bytes) => bytes.length === length);
  }

  #reply(query: Buffer): Buffer | undefined {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString("ascii", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join(".").toLowerCase();
    const code = query.readUInt16BE(at + 1);
    const type = TYPES.get(code);
    this.queries.push(`${type} ${name}`);
    if (this.mode === "silent") return undefined;
    const known = this.addresses.has(name) || this.services.has(name);
    const records = this.mode === "answer" ? this.#records(type, name) : [];
    const head = Buffer.from(query.subarray(0, at + 5));
    head[2] = 0x81;
    head[3] = 0x80 | (this.mode === "servfail" ? 2 : known ? 0 : 3);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt16BE(0, 8);
    head.writeUInt16BE(0, 10);
    const answers = records.map((data) => {
      const fixed = Buffer.alloc(12);
      fixed.writeUInt16BE(0xc00c, 0);
      fixed.writeUInt16BE(code, 2);
      fixed.writeUInt16BE(1, 4);
      fixed.writeUInt32BE(1, 6);
      fixed.writeUInt16BE(data.length, 10);
      return Buffer.concat([fixed, data]);
    });
    return Buffer.concat([head, ...answers]);
  }
}
