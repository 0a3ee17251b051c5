/** Played peers' messages, and how to read what the core sent. */
import type { Ack, Dead, PacketMessage, Ping, Suspect } from "./messages.ts";
import { type Sent, Solo, type SoloOptions } from "./_harness_solo.ts";

/** A ping from `p1`. */
export function ping(node: string, fields: Partial<Ping> = {}): Ping {
  return {
    type: "ping",
    seqNo: 41,
    node,
    sourceAddr: Uint8Array.of(10, 0, 1, 1),
    sourcePort: 8080,
    sourceNode: "p1",
    ...fields,
  };
}

/** An accusation. */
export function suspect(node: string, incarnation: number, from = "p1"): Suspect {
  return { type: "suspect", node, incarnation, from };
}

/** A death. */
export function dead(node: string, incarnation: number, from = "p9"): Dead {
  return { type: "dead", node, incarnation, from };
}

/** An acknowledgement. */
export function ack(seqNo: number): Ack {
  return { type: "ack", seqNo, payload: undefined };
}

/** A core that knows this many peers. */
export function solo(peers: number, options: SoloOptions = {}): Solo {
  const it = new Solo(options);
  it.meet(peers);
  return it;
}

/** The messages of one type. */
export function messages<T extends PacketMessage["type"]>(
  sent: readonly Sent[],
  type: T,
): readonly Extract<PacketMessage, { type: T }>[] {
  return sent.map(({ message }) => message).filter(
    (message): message is Extract<PacketMessage, { type: T }> => message.type === type,
  );
}

/** Runs to the next ping that the core sends of its own accord; the ping. */
export function nextPing(it: Solo): Sent & { readonly message: Ping } {
  for (let i = 0; i < 100_000; i++) {
    const found = it.run(1).find(({ message }) => message.type === "ping");
    if (found !== undefined) return found as Sent & { readonly message: Ping };
  }
  throw new Error("No ping");
}
