/**
 * A cluster of peers under test, and the one thing that every scenario asks of it: that all who live agree.
 *
 * @module
 */
import { pushPullIntervalMs } from "../gossip/swim/formulas.ts";
import type { PeerState } from "../shard/peer.ts";
import { differences } from "./differences.ts";
import type { PeerKind } from "./kinds.ts";
import {
  type OwnersQuery,
  type PeerClaim,
  PeerError,
  PeerProgram,
  type PeerView,
  type TlsFiles,
} from "./line_protocol.ts";
import { randomKeys, seeded } from "./seeded.ts";
import type { Ports } from "./ports.ts";

/** One node of the cluster: a process, or one of the many nodes of a process. */
export interface Member {
  /** Unique in the cluster. */
  readonly name: string;
  /** Where it listens. */
  readonly addr: string;
  /** What it is. */
  readonly kind: PeerKind;
  /** The process that it runs in. */
  readonly program: PeerProgram;
  /** Its name, when its process runs more than one node. */
  readonly node?: string;
}

/** Options of {@link Cluster}. */
export interface ClusterOptions {
  /** Where addresses come from. */
  readonly ports: Ports;
  /** Seeds the keys that are looked up. */
  readonly seed: number;
  /** TLS between the peers. Default: cleartext. */
  readonly tls?: TlsFiles;
  /** Name of the cluster. @default {"interop"} */
  readonly label?: string;
  /** Network namespace that the processes run in. Default: the driver's. */
  readonly netns?: string;
}

/** Options of {@link Cluster.agree}. */
export interface AgreeOptions {
  /**
   * How long it may take until all lists are right. Default: as long as gossip that missed a node needs to be healed, which is noted
   * ({@link Cluster.late}).
   */
  readonly withinMs?: number;
  /** Keys looked up; 0: none. @default {10000} */
  readonly keys?: number;
}

/** What {@link Cluster.agree} saw. */
export interface Agreement {
  /** How many nodes had the right list: all. */
  readonly nodes: number;
  /** How many of them looked up the keys, alike. */
  readonly answered: number;
  /** When the last list became right, in wall milliseconds; 0 when only processes of many nodes were asked. */
  readonly at: number;
}

/**
 * What gossip reaches, it reaches within seconds. It carries each piece of news on 4·⌈log₁₀(n + 1)⌉ packets a node, to nodes drawn at
 * random: at 9 nodes one piece in sixteen misses somebody, at 150 one in a thousand. Those wait for the periodic exchange of states.
 */
const lateAfterMs = 5_000;

/** Longer than two exchanges of whole states are apart, the second for a partner that missed the news as well. */
function healingMs(nodes: number): number {
  return 2 * pushPullIntervalMs(nodes, 30_000) + 10_000;
}

const lookups = [
  { algorithm: "ring", tokens: 512, count: 3, op: "read" },
  { algorithm: "ring", tokens: 512, count: 2, op: "readWrite" },
  { algorithm: "rendezvous", count: 3, op: "read" },
  { algorithm: "multiprobe", count: 3, op: "read" },
] as const;

/** Runs peers, and knows what each of them must say. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #members = new Map<string, Member>();
  readonly #expected = new Map<string, PeerClaim>();
  readonly #programs = new Set<PeerProgram>();
  #agreements = 0;
  #repeatedJoins = 0;
  #timely = 0;
  #late = 0;

  /** Creates an empty cluster. */
  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Those that live and were joined, by name. */
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** How many joins, with an outside peer or of a node in a crowd, were begun anew after a timeout. */
  get repeatedJoins(): number {
    return this.#repeatedJoins;
  }

  /** How many agreements waited for an exchange of states as gossip missed somebody, and how many did not. */
  get late(): { readonly late: number; readonly timely: number } {
    return { late: this.#late, timely: this.#timely };
  }

  /** What a member must be in every list. */
  stateOf(member: Member): PeerState {
    return this.#expected.get(member.name)?.state ?? "viewer";
  }

  /** A free port. */
  port(): number {
    return this.#options.ports.take(1);
  }

  /** Starts a process with one node. It is no member yet. */
  spawn(kind: PeerKind, name: string, args: readonly string[] = []): Member {
    const addr = `127.0.0.1:${this.#options.ports.take(1)}`;
    const program = this.#run(kind, ["--name", name, "--addr", addr, ...args]);
    return { name, addr, kind, program };
  }

  /** Starts a process with many nodes, `prefix`0, `prefix`1, …; peers of ours only. */
  spawnMany(kind: PeerKind, prefix: string, count: number): readonly Member[] {
    const port = this.#options.ports.take(count);
    const args = ["--addr", `127.0.0.1:${port}`, "--nodes", `${count}`, "--name-prefix", prefix];
    const program = this.#run(kind, args);
    return Array.from({ length: count }, (_, i) => {
      const name = `${prefix}${i}`;
      return { name, node: name, addr: `127.0.0.1:${port + i}`, kind, program };
    });
  }

  /** Starts a node with a process of its own and joins it through `via`; without, it begins the cluster. */
  async add(
    kind: PeerKind,
    name: string,
    via: readonly Member[] = [],
    args: readonly string[] = [],
  ): Promise<Member> {
    const member = this.spawn(kind, name, args);
    await this.join(member, via);
    return member;
  }

  /** Joins a node through others. */
  async join(member: Member, via: readonly Member[]): Promise<void> {
    const request = {
      do: "start",
      ...(member.node === undefined ? {} : { node: member.node }),
      peers: via.map((other) => other.addr),
    } as const;
    for (let attempt = 1;; attempt++) {
      try {
        await about(member, "start", member.program.request(request));
        break;
      } catch (error) {
        // ckit loses about one reply in a thousand, also among its own (a sleeping reader is not woken before its 2 s are over); and dozens
        // of nodes in one process may be busy for longer than that. Whoever embeds them starts again; so does the driver, but only then.
        const excused = (member.node !== undefined || [member, ...via].some((one) =>
          one.kind.outside
        )) &&
          /timeout|timed out|no reply/i.test((error as Error).message);
        if (!excused || attempt === 3) throw error;
        this.#repeatedJoins++;
      }
    }
    this.#members.set(member.name, member);
    this.#expected.set(member.name, { name: member.name, addr: member.addr, state: "viewer" });
  }

  /** Changes a node's state; resolves once it says that the others were told. */
  async state(member: Member, state: PeerState): Promise<void> {
    this.#expected.set(member.name, { name: member.name, addr: member.addr, state });
    await about(
      member,
      `state ${state}`,
      member.program.request({
        do: "state",
        ...(member.node === undefined ? {} : { node: member.node }),
        state,
      }),
    );
  }

  /** Stops a node: it leaves, then its process must end with code 0. */
  async stop(member: Member): Promise<void> {
    this.#forget(member);
    await about(member, "stop", member.program.request({ do: "stop" }));
    const code = await member.program.exited;
    if (code !== 0) throw new Error(`${member.name} stopped with exit code ${code}`);
  }

  /** Ends a node's process with SIGKILL. */
  async kill(member: Member): Promise<void> {
    this.#forget(member);
    await member.program.kill();
  }

  /**
   * Waits until every member has the whole peer list, each peer at its address and in its state, and itself marked; then looks up keys
   * with every algorithm on all that can.
   *
   * @throws {Error} When a list is not right in time, or two nodes place one key differently. The message names them.
   */
  async agree(options: AgreeOptions = {}): Promise<Agreement> {
    const { keys = 10_000 } = options;
    const withinMs = options.withinMs ?? healingMs(this.#members.size);
    const began = performance.now();
    const expected = [...this.#expected.values()].sort(byName);
    const signal = AbortSignal.timeout(withinMs);
    const crowds = new Set<PeerProgram>();
    const views: Promise<number>[] = [];
    for (const member of this.#members.values()) {
      if (member.node === undefined) {
        views.push(this.#viewOf(member, expected, signal, withinMs));
      } else if (!crowds.has(member.program)) {
        crowds.add(member.program);
        const asked = member.program.request({ do: "agree", peers: expected, ms: withinMs });
        views.push(about(member, "agree", asked).then(() => 0));
      }
    }
    const settled = await Promise.allSettled(views);
    const wrong = settled.filter((one) => one.status === "rejected").map((one) =>
      one.reason.message
    );
    if (wrong.length > 0) throw new Error(wrong.slice(0, 8).join("\n    "));
    if (options.withinMs === undefined) {
      if (performance.now() - began < lateAfterMs) this.#timely++;
      else this.#late++;
    }
    const at = Math.max(...settled.map((one) => one.status === "fulfilled" ? one.value : 0));
    const answered = keys === 0 ? 0 : await this.#place(keys);
    return { nodes: this.#members.size, answered, at };
  }

  /** Waits until one member's list is as `accepts` wants it. */
  until(member: Member, accepts: (view: PeerView) => boolean, withinMs: number): Promise<PeerView> {
    return member.program.until(accepts, AbortSignal.timeout(withinMs));
  }

  /** Kills whatever still runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#programs].map((program) => program.kill()));
  }

  #run(kind: PeerKind, args: readonly string[]): PeerProgram {
    const { tls, netns } = this.#options;
    const program = PeerProgram.spawn({
      command: kind.command,
      ...(netns === undefined ? {} : { netns }),
      args: [
        ...args,
        "--label",
        this.#options.label ?? "interop",
        ...(tls === undefined
          ? []
          : ["--tls-cert", tls.cert, "--tls-key", tls.key, "--tls-ca", tls.ca]),
      ],
    });
    this.#programs.add(program);
    void program.exited.then(() => this.#programs.delete(program));
    return program;
  }

  #forget(member: Member): void {
    this.#members.delete(member.name);
    this.#expected.delete(member.name);
  }

  async #viewOf(
    member: Member,
    expected: readonly PeerClaim[],
    signal: AbortSignal,
    withinMs: number,
  ): Promise<number> {
    try {
      const view = await member.program.until(
        (view) => differences(member.name, view.peers, expected).length === 0,
        signal,
      );
      return view.at;
    } catch (error) {
      if (error instanceof PeerError) throw new Error(`${member.name}: ${error.message}`);
      const wrong = differences(member.name, member.program.view.peers, expected);
      throw new Error(
        `${member.name} after ${withinMs / 1_000} s: ${wrong.slice(0, 6).join(", ")}` +
          (wrong.length > 6 ? ` and ${wrong.length - 6} more` : ""),
      );
    }
  }

  async #place(keyCount: number): Promise<number> {
    const keys = randomKeys(seeded(this.#options.seed + this.#agreements++), keyCount);
    // Nodes that share a process share its code: the first one looks up all keys, the others a part.
    const few = keys.slice(0, Math.min(keyCount, 250));
    const asked = new Set<PeerProgram>();
    const answered = new Set<string>();
    for (const lookup of lookups) {
      let first: { readonly name: string; readonly owners: readonly string[] } | undefined;
      const batches = [];
      asked.clear();
      for (const member of this.#members.values()) {
        const some = asked.has(member.program) ? few : keys;
        asked.add(member.program);
        const reply = ownersOf(member, { ...lookup, keys: some });
        reply.catch(() => {}); // awaited below, one after another
        batches.push({ member, keys: some, reply });
      }
      // Those with all keys come first, so that the others are compared with them.
      batches.sort((a, b) => b.keys.length - a.keys.length);
      for (const { member, reply } of batches) {
        const owners = await reply;
        if (owners === undefined) continue;
        answered.add(member.name);
        const texts = owners.map((names) => JSON.stringify(names));
        first ??= { name: member.name, owners: texts };
        const at = texts.findIndex((text, i) => text !== first!.owners[i]);
        if (at >= 0) {
          throw new Error(
            `${lookup.algorithm} (${lookup.op}): ${first.name} places ${
              JSON.stringify(keys[at])
            } on ${first.owners[at]}, ${member.name} on ${texts[at]}`,
          );
        }
      }
    }
    return answered.size;
  }
}

async function ownersOf(
  member: Member,
  query: OwnersQuery,
): Promise<readonly (readonly string[] | null)[] | undefined> {
  try {
    const reply = await member.program.request({
      do: "owners",
      ...(member.node === undefined ? {} : { node: member.node }),
      ...query,
    });
    if (reply.owners?.length !== query.keys.length) {
      throw new Error(
        `${member.name} looked up ${reply.owners?.length} of ${query.keys.length} keys`,
      );
    }
    return reply.owners;
  } catch (error) {
    if (error instanceof PeerError && error.message.startsWith("unsupported")) return undefined;
    throw error;
  }
}

async function about<T>(member: Member, action: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw new Error(`${member.name}, ${action}: ${(error as Error).message}`, { cause: error });
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
