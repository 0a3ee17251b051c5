/** Three nodes of one kind on loopback. */
import { Ports } from "../../interop/ports.ts";
import { whyVoid } from "./gate.ts";
import type { NodeFlags, StatusReply } from "./line_protocol.ts";
import { NodeError, NodeProgram } from "./program.ts";

/** What is measured: a program, and how it is called in the results. */
export interface Contender {
  /** Such as `go`, `deno`. */
  readonly name: string;
  /** Program and fixed arguments. */
  readonly command: readonly string[];
}

/** How the nodes of a cluster are started. */
export type ClusterFlags = Omit<NodeFlags, "name" | "addr" | "members" | "dir">;

/** A result that does not count, and why. */
export class VoidError extends Error {
  override readonly name: string = "VoidError";
}

const ports = new Ports(Math.random);
const NODES = 3;
const LEADER_MS = 30_000;
const POLL_MS = 10;
const CATCH_UP_MS = 120_000;

/** A running cluster in a temporary folder, which {@link Cluster.close} removes. */
export class Cluster {
  readonly #contender: Contender;
  readonly #flags: readonly NodeFlags[];
  readonly #folder: string;
  readonly #nodes = new Map<string, NodeProgram>();

  private constructor(contender: Contender, flags: readonly NodeFlags[], folder: string) {
    this.#contender = contender;
    this.#flags = flags;
    this.#folder = folder;
    for (const { name } of flags) this.start(name);
  }

  /** Starts the nodes of an empty cluster. */
  static open(contender: Contender, flags: ClusterFlags): Cluster {
    const folder = Deno.makeTempDirSync({ prefix: "bench-raft-" });
    const first = ports.take(NODES);
    const numbers = Array.from({ length: NODES }, (_, i) => first + i);
    const members = numbers.map((port, i) => `n${i}=127.0.0.1:${port}`).join(",");
    const all = numbers.map((port, i) => ({
      name: `n${i}`,
      addr: `127.0.0.1:${port}`,
      members,
      dir: `${folder}/n${i}`,
      ...flags,
    }));
    return new Cluster(contender, all, folder);
  }

  /** The nodes that run. */
  get nodes(): readonly NodeProgram[] {
    return [...this.#nodes.values()];
  }

  /** Starts a node that does not run, with the folder that it had. */
  start(name: string): NodeProgram {
    const flags = this.#flags.find((node) => node.name === name)!;
    const node = new NodeProgram(this.#contender.command, flags);
    this.#nodes.set(name, node);
    return node;
  }

  /** Kills a node. */
  async kill(node: NodeProgram): Promise<void> {
    this.#nodes.delete(node.name);
    await node.kill();
  }

  /**
   * Waits until all running nodes agree on a leader that has committed in its term.
   *
   * @throws {VoidError} When they do not within half a minute.
   */
  async leader(): Promise<{ readonly node: NodeProgram; readonly status: StatusReply }> {
    const until = performance.now() + LEADER_MS;
    while (performance.now() < until) {
      const statuses = await Promise.all(this.nodes.map((node) => node.ask({ do: "status" })));
      const at = statuses.findIndex(({ role }) => role === "leader");
      const leader = statuses[at];
      if (
        leader !== undefined &&
        statuses.every((one) => one.term === leader.term && one.leader === this.nodes[at]!.name)
      ) {
        const node = this.nodes[at]!;
        await node.ask({ do: "barrier" });
        return { node, status: leader };
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new VoidError(`no leader within ${LEADER_MS} ms`);
  }

  /**
   * Waits until all running nodes have applied the same, and holds them to {@link whyVoid}.
   *
   * @param earlier Acknowledged by processes that no longer run.
   * @throws {VoidError} When the measurement does not count.
   */
  async gate(earlier = 0): Promise<void> {
    const { node: leader } = await this.leader();
    await leader.ask({ do: "barrier" });
    const { appliedIndex } = await leader.ask({ do: "status" });
    await Promise.all(
      this.nodes.map((node) =>
        node.ask({ do: "awaitApplied", index: appliedIndex, timeoutMs: CATCH_UP_MS })
      ),
    );
    const states = await Promise.all(this.nodes.map((node) => node.ask({ do: "applied" })));
    const why = whyVoid(states, earlier);
    if (why !== undefined) throw new VoidError(why);
  }

  /** Ends all nodes and removes their files. */
  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Runs with a cluster, which is closed whatever happens. */
export async function withCluster<T>(
  contender: Contender,
  flags: ClusterFlags,
  run: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const cluster = Cluster.open(contender, flags);
  try {
    return await run(cluster);
  } catch (error) {
    // A node that dies or refuses what it can do makes the row void, not the whole run.
    if (error instanceof NodeError && !error.unsupported) throw new VoidError(error.message);
    throw error;
  } finally {
    await cluster.close();
  }
}
