// deno-lint-ignore-file no-console
/**
 * Checks a file of placement vectors against `shard/`: `deno task vectors FILE` (default: testdata/shard-vectors.json). The format
 * is that of the default file: `keys`, `builders` and `clusters` with their lookups, hashes in hexadecimal. Prints how many of each
 * kind agree; on the first that does not, says which and exits with 1.
 */
import {
  type Algorithm,
  keyBuilder,
  multiprobe,
  type Operation,
  type PeerState,
  rendezvous,
  ring,
  sharder,
  stringKey,
} from "../shard/mod.ts";
import { help } from "./usage.ts";

interface Lookup {
  readonly key: string;
  readonly op: Operation;
  readonly count: number;
  readonly owners: readonly string[] | null;
  readonly error?: string;
}

interface Cluster {
  readonly algorithm: string;
  readonly tokens?: number;
  readonly peers: readonly { readonly name: string; readonly state: PeerState }[];
  readonly lookups: readonly Lookup[];
}

/** A file of vectors. */
export interface Vectors {
  /** Texts and their keys. */
  readonly keys?: readonly { readonly text: string; readonly hash: string }[];
  /** Texts written one after the other and the key of them all. */
  readonly builders?: readonly { readonly chunks: readonly string[]; readonly hash: string }[];
  /** Peers and what was looked up among them. */
  readonly clusters?: readonly Cluster[];
}

/** How many vectors of each kind agree. */
export type Counts = Readonly<Record<string, number>>;

function algorithmOf({ algorithm, tokens }: Cluster): Algorithm {
  switch (algorithm) {
    case "ring":
      return ring(tokens === undefined ? {} : { tokens });
    case "rendezvous":
      return rendezvous();
    case "multiprobe":
      return multiprobe();
    default:
      throw new TypeError(
        `Cannot check a cluster as 'algorithm' must be ring, rendezvous or multiprobe: current value is ${algorithm}`,
      );
  }
}

function expect(what: string, actual: unknown, expected: unknown): void {
  const is = JSON.stringify(actual);
  const shouldBe = JSON.stringify(expected);
  if (is !== shouldBe) throw new Error(`${what}: expected ${shouldBe}, got ${is}`);
}

const kinds: readonly (keyof Vectors)[] = ["keys", "builders", "clusters"];

/** A file without vectors proves nothing, so it is no success. */
function assertVectors(vectors: Vectors): void {
  const lists = typeof vectors === "object" && vectors !== null && !Array.isArray(vectors)
    ? kinds.filter((kind) => vectors[kind] !== undefined).map((kind) => [kind, vectors[kind]])
    : [];
  for (const [kind, list] of lists) {
    if (!Array.isArray(list)) {
      throw new TypeError(
        `Cannot check vectors as '${kind}' must be a list: current value is ${
          JSON.stringify(list)?.slice(0, 40)
        }`,
      );
    }
  }
  if (lists.every(([, list]) => list!.length === 0)) {
    throw new TypeError(
      `Cannot check vectors as there must be some in 'keys', 'builders' or 'clusters': current value has none`,
    );
  }
}

/**
 * Checks vectors.
 *
 * @param vectors What the file holds.
 * @returns How many agree, by kind.
 * @throws {Error} On the first that does not agree, saying which.
 * @throws {TypeError} If there are no vectors at all, or what should be a list is none.
 */
export function checkVectors(vectors: Vectors): Counts {
  assertVectors(vectors);
  const counts: Record<string, number> = {};
  const count = (kind: string) => counts[kind] = (counts[kind] ?? 0) + 1;
  const hex = (key: bigint) => key.toString(16).padStart(16, "0");

  for (const [i, { text, hash }] of (vectors.keys ?? []).entries()) {
    expect(`keys[${i}]`, hex(stringKey(text)), hash);
    count("keys");
  }
  for (const [i, { chunks, hash }] of (vectors.builders ?? []).entries()) {
    const builder = keyBuilder().write("forgotten").reset();
    for (const chunk of chunks) builder.write(chunk);
    expect(`builders[${i}]`, hex(builder.key()), hash);
    expect(`builders[${i}] asked again`, hex(builder.key()), hash);
    count("builders");
  }
  for (const [i, cluster] of (vectors.clusters ?? []).entries()) {
    const peers = cluster.peers.map((peer) => ({ ...peer, addr: "127.0.0.1:1", self: false }));
    const owners = sharder(algorithmOf(cluster), peers);
    for (
      const [j, { key, op, count: need, owners: expected, error }] of cluster.lookups.entries()
    ) {
      const what = `clusters[${i}].lookups[${j}] (${cluster.algorithm}, key ${key})`;
      let actual: readonly string[] | null = null;
      let message: string | undefined;
      try {
        actual = owners.lookup(key, need, op).map(({ name }) => name);
      } catch (thrown) {
        message = thrown instanceof Error ? thrown.message : String(thrown);
      }
      expect(what, actual, expected);
      expect(`${what}, error`, message, error);
      count(`${cluster.algorithm} lookups`);
    }
    count("clusters");
  }
  return counts;
}

if (import.meta.main) {
  help(import.meta.url);
  const file = Deno.args[0] ?? new URL("../testdata/shard-vectors.json", import.meta.url);
  try {
    const counts = checkVectors(JSON.parse(await Deno.readTextFile(file)));
    for (const [kind, count] of Object.entries(counts)) console.log(`${count} ${kind} agree`);
  } catch (error) {
    console.error(`${file}: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
