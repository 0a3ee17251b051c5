/**
 * A node of ours as a program, on Deno, Bun or Node: told what to do on standard input, one JSON object a line, it answers on standard
 * output. With `--nodes` it runs many nodes, on ports in a row; a request names one with `node`, or means all.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { swim } from "../gossip/swim/mod.ts";
import { Node } from "../membership/mod.ts";
import type { Operation, Peer, PeerState } from "../shard/peer.ts";
import { ring, type Sharder, sharder } from "../shard/mod.ts";
import { listen, type Listener } from "../transport/listen.ts";
import { algorithm, bench, type BenchRequest } from "./bench_request.ts";

interface Request {
  readonly id: unknown;
  readonly do: string;
  readonly node?: string;
  readonly [field: string]: unknown;
}

/** One node, its server, and what it was asked to look up keys with. */
interface Host {
  readonly name: string;
  readonly node: Node;
  readonly listener: Listener;
  readonly sharders: Map<string, { readonly of: readonly Peer[]; readonly sharder: Sharder }>;
  reported: string;
}

const unsupported = (what: unknown) => new Error(`unsupported: ${what}`);

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      name: { type: "string", default: "" },
      addr: { type: "string" },
      label: { type: "string", default: "" },
      nodes: { type: "string" },
      "name-prefix": { type: "string", default: "" },
      "tls-cert": { type: "string" },
      "tls-key": { type: "string" },
      "tls-ca": { type: "string" },
    },
  });
  const split = /^(.+):(\d+)$/.exec(flags.addr ?? "");
  if (split === null) throw new Error("Cannot run a peer without --addr HOST:PORT");
  const [hostname, firstPort] = [split[1]!.replace(/^\[|\]$/g, ""), Number(split[2])];
  const many = flags.nodes !== undefined;
  const tls = flags["tls-cert"] === undefined ? undefined : {
    cert: readFileSync(flags["tls-cert"], "utf8"),
    key: readFileSync(flags["tls-key"]!, "utf8"),
    ca: readFileSync(flags["tls-ca"]!, "utf8"),
  };

  const open = async (name: string, port: number): Promise<Host> => {
    const node = new Node({
      name,
      advertiseAddr: hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`,
      clusterName: flags.label,
      gossip: swim(),
      sharder: ring({ tokens: 512 }),
      ...(tls === undefined ? {} : { tls }),
    });
    const routes = node.routes();
    const listener = await listen({
      fetch: (request, env) => routes.fetch(request, env as Record<string, unknown>),
      hostname,
      port,
      ...(tls === undefined ? {} : { tls: { ...tls, requestClientCert: true } }),
    });
    const host: Host = { name, node, listener, sharders: new Map(), reported: "" };
    if (!many) {
      node.observe((peers) => report(host, peers));
      report(host, node.peers);
    }
    return host;
  };
  const names = many
    ? Array.from({ length: Number(flags.nodes) }, (_, i) => `${flags["name-prefix"]}${i}`)
    : [flags.name];
  const hosts = new Map<string, Host>();
  for (const [i, name] of names.entries()) hosts.set(name, await open(name, firstPort + i));

  readLines((line) => void serve(hosts, line), () => process.exit(2));
}

function report(host: Host, peers: readonly Peer[]): void {
  const text = JSON.stringify(peers);
  if (text === host.reported) return;
  host.reported = text;
  process.stdout.write(`{"event":"peers","at":${Date.now()},"peers":${text}}\n`);
}

function readLines(take: (line: string) => void, end: () => void): void {
  const decoder = new TextDecoder();
  let pending: string[] = [];
  process.stdin.on("data", (chunk: Uint8Array) => {
    const parts = decoder.decode(chunk, { stream: true }).split("\n");
    for (const part of parts.slice(0, -1)) {
      const line = pending.join("") + part;
      pending = [];
      if (line.trim() !== "") take(line);
    }
    pending.push(parts[parts.length - 1]!);
  });
  process.stdin.on("end", end);
  process.stdin.on("error", end);
}

async function serve(hosts: ReadonlyMap<string, Host>, line: string): Promise<void> {
  let id: unknown = null;
  let reply: Record<string, unknown>;
  let stopped = false;
  try {
    const request = JSON.parse(line) as Request;
    id = request.id ?? null;
    const chosen = request.node === undefined ? [...hosts.values()] : [hosts.get(request.node)];
    if (chosen.includes(undefined)) throw unsupported(`node ${request.node}`);
    reply = { id, ok: true, ...await answer(chosen as Host[], request) };
    stopped = request.do === "stop" && chosen.length === hosts.size;
  } catch (error) {
    reply = { id, error: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`, () => {
    if (stopped) process.exit(0);
  });
}

async function answer(hosts: readonly Host[], request: Request): Promise<object> {
  const first = hosts[0]!;
  switch (request.do) {
    case "start":
      await Promise.all(hosts.map(async (host) => {
        await host.node.start(request.peers as string[] ?? []);
        if (host.reported !== "") report(host, host.node.peers);
      }));
      return {};
    case "state":
      await Promise.all(hosts.map((host) => host.node.changeState(request.state as PeerState)));
      return {};
    case "peers":
      return { peers: first.node.peers };
    case "owners":
      return { owners: owners(first, request) };
    case "agree":
      await Promise.all(hosts.map((host) => agree(host, request)));
      return {};
    case "bench":
      return await bench(request as BenchRequest);
    case "stop":
      await Promise.all(hosts.map(async (host) => {
        await host.node.stop();
        await host.listener.close();
      }));
      return {};
    default:
      throw unsupported(request.do);
  }
}

/** Looks up keys: the ring of 512 tokens with the node's own sharder, the rest with sharders that follow its peers. */
function owners(host: Host, request: Request): (string[] | null)[] {
  const { tokens, count, op, keys } = request as unknown as {
    tokens?: number;
    count: number;
    op: Operation;
    keys: string[];
  };
  if (op !== "read" && op !== "readWrite") throw unsupported(`op ${op}`);
  const lookup = request.algorithm === "ring" && (tokens ?? 512) === 512
    ? host.node.sharder
    : following(host, `${request.algorithm}`, tokens);
  return keys.map((key) => {
    try {
      return lookup.lookup(key, count, op).map((peer) => peer.name);
    } catch {
      return null;
    }
  });
}

function following(host: Host, name: string, tokens: number | undefined): Sharder {
  const id = `${name}/${tokens}`;
  const peers = host.node.peers;
  const known = host.sharders.get(id);
  if (known?.of === peers) return known.sharder;
  const next = known?.sharder.withPeers(peers) ?? sharder(algorithm(name, tokens), peers);
  host.sharders.set(id, { of: peers, sharder: next });
  return next;
}

/** Resolves once the node's list is the one in the request. */
function agree(host: Host, request: Request): Promise<void> {
  const text = (peers: readonly Pick<Peer, "name" | "addr" | "state">[]) =>
    peers.map((peer) => `${peer.name} ${peer.addr} ${peer.state}`).join("\n");
  const wanted = text(request.peers as Peer[]);
  const right = (peers: readonly Peer[]) =>
    text(peers) === wanted && peers.every((peer) => peer.self === (peer.name === host.name));
  if (right(host.node.peers)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      unobserve();
      const seen = new Set(text(host.node.peers).split("\n"));
      const missing = wanted.split("\n").filter((line) => !seen.delete(line));
      reject(
        new Error(
          `${host.name} lacks ${missing.length} (${
            missing.slice(0, 3).join("; ")
          }) and has ${seen.size} others (${[...seen].slice(0, 3).join("; ")})`,
        ),
      );
    }, request.ms as number);
    const unobserve = host.node.observe((peers) => {
      if (!right(peers)) return true;
      clearTimeout(timer);
      resolve();
      return false;
    });
  });
}

await main();
