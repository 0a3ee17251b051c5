/**
 * What a scenario is, and what it is given.
 *
 * @module
 */
import type { Prng } from "../gossip/strategy.ts";
import type { Cluster, ClusterOptions, Member } from "./cluster.ts";
import type { PeerKind } from "./kinds.ts";
import type { TlsFiles } from "./line_protocol.ts";

/** A story with peers that must come true. */
export interface Scenario {
  /** What `--scenario` calls it. */
  readonly name: string;
  /** What it shows, in one line. */
  readonly about: string;
  /** How many processes it runs at most: the driver runs scenarios beside each other up to a sum. `Infinity`: alone. */
  readonly processes: number;
  /** Not part of a plain run. */
  readonly byHand?: boolean;
  /** Plays it. Returns what was seen, in one line. */
  run(lab: Lab): Promise<string>;
}

/** What a scenario works with. Everything it starts is ended for it. */
export interface Lab {
  /** The kinds that stand where a scenario says "Go", taking turns. */
  go(turn: number): PeerKind;
  /** Ours, one kind a runtime. */
  readonly ours: readonly PeerKind[];
  /** Repeatable randomness. */
  readonly random: Prng;
  /** How long scenarios of a chosen length go on; their own default when none was chosen. */
  readonly seconds: number | undefined;
  /** How many nodes idle. */
  readonly idleNodes: number;
  /** Certificates for 127.0.0.1. */
  readonly tls: TlsFiles;
  /** Has something done when the scenario ends, or the run is interrupted: after all processes are gone. */
  defer(cleanup: () => Promise<void>): void;
  /** A new empty cluster. */
  cluster(options?: Pick<ClusterOptions, "tls" | "label" | "netns">): Cluster;
}

/** Adds nodes that join through `via` at the same time, named after their kind and `suffix`. */
export function addAll(
  cluster: Cluster,
  kinds: readonly PeerKind[],
  via: readonly Member[],
  suffix = "",
): Promise<Member[]> {
  return Promise.all(
    kinds.map((kind, i) => cluster.add(kind, `${kind.name}-${suffix}${i}`, via)),
  );
}

/** Makes nodes participants, all at the same time. */
export async function participate(cluster: Cluster, members: readonly Member[]): Promise<void> {
  await Promise.all(members.map((member) => cluster.state(member, "participant")));
}

/** A cluster of one Go seed, two more Go nodes and one of ours a runtime, all participants and of one mind. */
export async function mixedCluster(lab: Lab, cluster: Cluster): Promise<Member[]> {
  const seed = await cluster.add(lab.go(0), `${lab.go(0).name}-seed`);
  const others = await addAll(cluster, [lab.go(1), lab.go(2), ...lab.ours], [seed]);
  const members = [seed, ...others];
  await participate(cluster, members);
  await cluster.agree({ keys: 500 });
  return members;
}

/** Whole tenths of a second since an instant of `performance.now`. */
export function secondsSince(began: number): string {
  return `${((performance.now() - began) / 1_000).toFixed(1)} s`;
}

/** Awaits a request that must fail. Returns the message. */
export async function mustFail(what: string, request: Promise<unknown>): Promise<string> {
  let outcome: unknown;
  try {
    outcome = await request;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`${what} was accepted: ${JSON.stringify(outcome)}`);
}
