/** A network of silent machines, and lives made up for tests of what watches them. */
import { sharder } from "../shard/sharder.ts";
import { ring } from "../shard/ring.ts";
import type { Peer } from "../shard/peer.ts";
import { Network } from "./network.ts";
import type { Facts, Life, Packet } from "./observation.ts";
import { Simulation } from "./simulation.ts";
import type { Weather } from "./weather.ts";

/** A life without a process. */
export type FakeLife = { -readonly [Key in keyof Life]: Life[Key] };

/** Makes up a life. */
export function fakeLife(fields: Partial<Life> & { readonly name: string }): FakeLife {
  const { slot = 0, name } = fields;
  const peers: readonly Peer[] = Object.freeze([
    { name, addr: `10.0.0.${slot}:80`, self: true, state: "viewer" as const },
  ]);
  return {
    slot,
    id: slot,
    address: `10.0.0.${slot}:80`,
    clusterName: "sim",
    generation: 1000,
    phase: "running",
    paused: false,
    startedAt: 0,
    localMs: 0,
    endedAt: Infinity,
    peers,
    state: "viewer",
    sharder: sharder(ring({ tokens: 4 }), peers),
    stats: {
      lamportTime: 0,
      healthScore: 0,
      queuedBroadcasts: 0,
      alive: 1,
      suspect: 0,
      dead: 0,
      left: 0,
    },
    observed: peers,
    pendingOperations: 0,
    ...fields,
  };
}

/** Makes up the truth. */
export function fakeFacts(
  lives: readonly Life[],
  fields: { readonly now?: number; readonly excusedAt?: number } = {},
): Facts {
  return {
    now: fields.now ?? 1e12,
    lives,
    livesOf: (name) => lives.filter((life) => life.name === name),
    excusedAt: () => fields.excusedAt ?? -Infinity,
    upsetAt: () => fields.excusedAt ?? -Infinity,
  };
}

/** Two machines, 0 at `a` and 1 at `b`, of which the second notes what it is sent. */
export function link(seed: number, weather?: Weather): {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly got: { readonly at: number; readonly packet: Packet }[];
  readonly send: (byte: number, length?: number) => void;
} {
  const simulation = new Simulation(seed);
  const network = new Network({
    simulation,
    latencyUs: [1000, 2000],
    checksummed: ([first]) => first === 12,
  });
  const got: { readonly at: number; readonly packet: Packet }[] = [];
  const [a, b] = ["a", "b"].map((name, slot) => ({
    ...fakeLife({ name, slot, address: name }),
    packet: (packet: Packet) => void got.push({ at: simulation.now, packet }),
  }));
  network.listen(a!);
  network.listen(b!);
  if (weather !== undefined) network.skies.begin(weather);
  const send = (byte: number, length = 20) =>
    network.send(a!, "b", new Uint8Array(length).fill(byte));
  return { simulation, network, got, send };
}
