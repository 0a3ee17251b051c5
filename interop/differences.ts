import type { PeerClaim, PeerView } from "./line_protocol.ts";

/** What is wrong with the list of peers that the node `own` gave; nothing when it is as expected, `expected` being sorted by name. */
export function differences(
  own: string,
  peers: PeerView["peers"],
  expected: readonly PeerClaim[],
): string[] {
  const wrong: string[] = [];
  const seen = new Map(peers.map((peer) => [peer.name, peer]));
  for (const want of expected) {
    const peer = seen.get(want.name);
    if (peer === undefined) wrong.push(`lacks ${want.name}`);
    else if (peer.addr !== want.addr) wrong.push(`has ${want.name} at ${peer.addr}`);
    else if (peer.state !== want.state) {
      wrong.push(`has ${want.name} as ${peer.state}, not ${want.state}`);
    } else if (peer.self !== (want.name === own)) {
      wrong.push(`mistakes ${want.name} for itself`);
    }
    seen.delete(want.name);
  }
  for (const name of seen.keys()) wrong.push(`still has ${name}`);
  if (wrong.length === 0 && peers.some((peer, i) => peer.name !== expected[i]!.name)) {
    wrong.push("is not sorted by name");
  }
  return wrong;
}
