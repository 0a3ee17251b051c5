/** `deno bench -A bench/scuttlebutt_bench.ts`: what one message costs. For whole clusters, see `bench/scuttlebutt.ts`. */
import { block, entry, listed, Solo, source, TAG } from "../gossip/scuttlebutt/_harness.ts";
import { decodePacket, encodeFrame } from "../gossip/scuttlebutt/wire/codec.ts";

for (const nodes of [10, 100, 1000]) {
  const solo = new Solo({ maxPacketBytes: nodes > 100 ? 16_384 : 1400 });
  const ids = Array.from({ length: nodes }, (_, i) => `node-${String(i).padStart(4, "0")}`);
  for (const [i, id] of ids.entries()) {
    const addr = `10.1.${i >> 8}.${i & 255}:7000`;
    solo.delta(block(id, [entry("key", "value", 1)], { addr }));
  }
  const digest = ids.slice(0, 700).map((id) => listed(id, 1));
  const packet = { type: "syn" as const, source: source("z"), known: nodes, exchange: 1, digest };
  const bytes = encodeFrame(packet, TAG);
  const group = `${nodes} nodes`;
  Deno.bench(`encode a SYN, ${group}`, { group }, () => void encodeFrame(packet, TAG));
  Deno.bench(`decode a SYN, ${group}`, { group }, () => void decodePacket(bytes, TAG));
  Deno.bench(`answer a SYN, ${group}`, { group, baseline: true }, () => {
    solo.step({ type: "packet", bytes });
  });
}
