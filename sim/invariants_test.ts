import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { generationTag } from "../gossip/swim/generation.ts";
import { VERSIONS } from "../gossip/swim/member.ts";
import type { PacketMessage, PushNodeState } from "../gossip/swim/messages.ts";
import { swimSettings } from "../gossip/swim/options.ts";
import { encodeMessage } from "../gossip/swim/wire/messages_codec.ts";
import { PacketCodec } from "../gossip/swim/wire/packet.ts";
import { StreamCodec } from "../gossip/swim/wire/stream.ts";
import type { Peer } from "../shard/peer.ts";
import { ring } from "../shard/ring.ts";
import { sharder } from "../shard/sharder.ts";
import { fakeFacts, type FakeLife, fakeLife } from "./_harness.ts";
import type { Invariant } from "./invariant.ts";
import { swim } from "./protocols/swim.ts";
import { incarnationsGrow } from "./protocols/swim/incarnations_grow.ts";
import { noReturn } from "./protocols/swim/no_return.ts";
import { suspectedFirst } from "./protocols/swim/suspected_first.ts";
import type { Tapped } from "./protocols/swim/tapped.ts";
import { viewsGrow } from "./protocols/swim/views_grow.ts";
import { Wiretap } from "./protocols/swim/wiretap.ts";
import { bounded } from "./invariants/bounded.ts";
import { labelsApart } from "./invariants/labels_apart.ts";
import { noBlamelessDeath } from "./invariants/no_blameless_death.ts";
import { observerLatest } from "./invariants/observer_latest.ts";
import { checkSharder, shardersAgree } from "./invariants/sharders_agree.ts";
import { viewWellFormed } from "./invariants/view_well_formed.ts";
import type { Facts, Life, Message, Packet, Watcher } from "./observation.ts";
import { ViolationError } from "./violation.ts";

const codec = new PacketCodec({ label: "sim", random: () => 0.5 });
const streams = new StreamCodec({ label: "sim", random: () => 0.5 });
const addr = Uint8Array.of(10, 0, 0, 1);
const peer = (name: string, fields: Partial<Peer> = {}): Peer =>
  Object.freeze({ name, addr: "10.0.0.0:80", self: false, state: "viewer", ...fields });
const list = (...peers: Peer[]): readonly Peer[] => Object.freeze(peers);

function made(
  invariant: Invariant | ((tapped: Tapped) => Watcher),
  facts: Facts,
): Required<Watcher> {
  return invariant({
    facts,
    bounds: swim.bounds({ preset: "fast" }),
    tap: new Wiretap(),
    settings: swimSettings("fast"),
  }) as Required<Watcher>;
}

function packet(from: Life, ...messages: PacketMessage[]): Packet {
  const [bytes] = codec.seal(messages.map(encodeMessage), { crc: true });
  return { from, to: "10.0.0.9:80", bytes: bytes!, tampered: false };
}

function alive(node: string, generation: number, incarnation: number): PacketMessage {
  const meta = generationTag(generation);
  return { type: "alive", node, addr, port: 80, meta, incarnation, vsn: VERSIONS };
}

function pushPull(from: Life, ...nodes: Partial<PushNodeState>[]): Message {
  const bytes = streams.seal({
    type: "pushPull",
    join: false,
    nodes: nodes.map((node) => ({
      name: "b",
      addr,
      port: 80,
      meta: generationTag(1),
      incarnation: 1,
      state: 0,
      vsn: VERSIONS,
      ...node,
    })),
    userState: new Uint8Array(),
  }, { label: true });
  return { from, kind: "request", bytes };
}

function breaks(invariant: string, run: () => void): void {
  assertEquals(assertThrows(run, ViolationError).invariant, invariant);
}

describe("invariants on broken traces", () => {
  const [a, b] = [fakeLife({ name: "a" }), fakeLife({ name: "b", slot: 1 })];
  const lost = { before: list(peer("a"), peer("b")), peers: list(peer("a")) };

  it("no-blameless-death: a node is lost that nothing can explain", () => {
    breaks("no-blameless-death", () => {
      made(noBlamelessDeath, fakeFacts([a, b])).viewed(a, lost);
    });
    const explained: [FakeLife, Partial<Facts>][] = [
      [b, fakeFacts([a, b], { excusedAt: 1e12 - 1e6 })],
      [fakeLife({ name: "b", slot: 1, phase: "leaving" }), {}],
      [fakeLife({ name: "b", slot: 1, startedAt: 1e12 - 1e6 }), {}],
      [fakeLife({ name: "b", slot: 1, phase: "ended", endedAt: 1e12 - 1 }), {}],
    ];
    for (const [life, facts] of explained) {
      made(noBlamelessDeath, { ...fakeFacts([a, life]), ...facts }).viewed(a, lost);
    }
    const twin = fakeLife({ name: "b", slot: 2 });
    made(noBlamelessDeath, fakeFacts([a, b, twin])).viewed(a, lost);
    // Old news may wait in one who sleeps: not in one who fell asleep only later.
    for (const [fellAsleepAt, explains] of [[1e12 - 59e6, true], [1e12 - 30e6, false]] as const) {
      const now = { ...fakeFacts([a, fakeLife({ name: "b", slot: 1, startedAt: 1e12 - 60e6 })]) };
      const watcher = made(noBlamelessDeath, now);
      Object.assign(now, { now: fellAsleepAt });
      watcher.slept(a);
      Object.assign(now, { now: 1e12 });
      if (explains) watcher.viewed(a, lost);
      else breaks("no-blameless-death", () => watcher.viewed(a, lost));
    }
    // Who was cut off a while ago may still be held for dead by somebody, and told of.
    made(noBlamelessDeath, fakeFacts([a, b], { excusedAt: 1e12 - 60e6 })).viewed(a, lost);
  });

  it("incarnations-grow: another one raises it, or the node itself lowers it", () => {
    const watcher = made(incarnationsGrow, fakeFacts([a, b]));
    watcher.sent(packet(b, alive("b", 1, 1)));
    watcher.sent(packet(b, alive("b", 1, 3)));
    watcher.sent(packet(b, alive("b", 1, 1)));
    watcher.sent(packet(a, alive("b", 1, 3)));
    breaks("incarnations-grow", () => watcher.sent(packet(b, alive("b", 1, 2))));
    breaks("incarnations-grow", () => watcher.sent(packet(a, alive("b", 1, 4))));
    breaks("incarnations-grow", () => watcher.sent(packet(a, alive("b", 2, 1))));
    const accused: PacketMessage = { type: "suspect", node: "b", incarnation: 4, from: "a" };
    breaks("incarnations-grow", () => watcher.sent(packet(a, accused)));
    breaks("incarnations-grow", () => watcher.written(pushPull(a, { incarnation: 9 })));
  });

  it("views-grow: a record goes back in its generation or its incarnation", () => {
    for (const back of [{ incarnation: 1 }, { meta: generationTag(0), incarnation: 9 }]) {
      const watcher = made(viewsGrow, fakeFacts([a, b]));
      watcher.written(pushPull(a, { incarnation: 2 }));
      watcher.written(pushPull(b, { incarnation: 1 }));
      breaks("views-grow", () => watcher.written(pushPull(a, back)));
      const newer = made(viewsGrow, fakeFacts([a, b]));
      newer.written(pushPull(a, { incarnation: 2 }));
      newer.written(pushPull(a, { meta: generationTag(2), incarnation: 1 }));
    }
  });

  it("no-return: a life that is over is believed alive again", () => {
    const over = fakeLife({ name: "b", slot: 1, phase: "ended", endedAt: 0 });
    const dead: PacketMessage = { type: "dead", node: "b", incarnation: 1, from: "b" };
    const watcher = made(noReturn, fakeFacts([a, over]));
    watcher.sent(packet(a, alive("b", 1, 1)));
    watcher.sent(packet(a, dead));
    breaks("no-return", () => watcher.sent(packet(a, alive("b", 1, 1))));
    breaks("no-return", () => watcher.written(pushPull(a, { state: 1 })));
    watcher.sent(packet(a, alive("b", 2, 1)));
    const living = made(noReturn, fakeFacts([a, b]));
    living.sent(packet(a, alive("b", 1, 1)));
    living.sent(packet(a, dead));
    living.sent(packet(a, alive("b", 1, 1)));
  });

  it("no-return: a record comes back before it was collected, or unheard", () => {
    const viewer = fakeLife({ name: "a" });
    const dead: PacketMessage = { type: "dead", node: "b", incarnation: 1, from: "c" };
    const watcher = made(noReturn, fakeFacts([viewer, b]));
    watcher.sent(packet(viewer, alive("b", 1, 1)));
    watcher.viewed(viewer, lost);
    watcher.sent(packet(viewer, dead));
    watcher.delivered(viewer, packet(b, dead));
    viewer.localMs = 29_999;
    breaks("no-return", () => watcher.sent(packet(viewer, alive("b", 1, 1))));
    viewer.localMs = 30_001;
    watcher.sent(packet(viewer, alive("b", 1, 1)));
    watcher.sent(packet(viewer, dead));
    watcher.viewed(viewer, lost);
    viewer.localMs = 90_000;
    breaks("no-return", () => watcher.sent(packet(viewer, alive("b", 1, 1))));
  });

  it("suspected-first: a death at an incarnation at which nobody was suspected", () => {
    const watcher = made(suspectedFirst, fakeFacts([a, b]));
    const dead: PacketMessage = { type: "dead", node: "b", incarnation: 2, from: "a" };
    watcher.sent(packet(a, { type: "suspect", node: "b", incarnation: 1, from: "a" }));
    breaks("suspected-first", () => watcher.sent(packet(a, dead)));
    watcher.sent(packet(a, { ...dead, from: "b" }));
    watcher.written(pushPull(b, { incarnation: 2, state: 1 }));
    watcher.sent(packet(a, dead));
    const sleepy = made(suspectedFirst, fakeFacts([a, b], { excusedAt: 1e12 - 1e6 }));
    sleepy.sent(packet(a, dead));
  });

  it("labels-apart: a node of another cluster is listed", () => {
    const watcher = made(labelsApart, fakeFacts([a, b]));
    watcher.started(a);
    watcher.started(fakeLife({ name: "b", clusterName: "other" }));
    breaks("labels-apart", () => {
      watcher.viewed(a, { before: list(peer("a")), peers: list(peer("a"), peer("b")) });
    });
  });

  it("observer-latest: an observer was told of another list last", () => {
    const peers = list(peer("a"));
    const watcher = made(observerLatest, fakeFacts([a]));
    watcher.viewed(fakeLife({ name: "a", peers, observed: peers }), { before: [], peers });
    const stale = fakeLife({ name: "a", peers, observed: list() });
    breaks("observer-latest", () => watcher.viewed(stale, { before: [], peers }));
  });

  it("view-well-formed: not frozen, not sorted, doubled, or without the node itself", () => {
    const watcher = made(viewWellFormed, fakeFacts([a]));
    const self = peer("a", { self: true });
    watcher.viewed(a, { before: [], peers: list(self, peer("b")) });
    for (
      const peers of [
        [self],
        list(peer("b"), self),
        list(self, self),
        list(peer("b")),
        list({ ...self, state: "participant" }),
        list({ ...self, addr: "elsewhere:1" }),
      ]
    ) breaks("view-well-formed", () => watcher.viewed(a, { before: [], peers }));
  });

  it("view-well-formed: what follows on a list that was well formed", () => {
    const [b, self, c, d] = [peer("0"), peer("a", { self: true }), peer("c"), peer("d")];
    const before = list(b, self, c);
    const after = (peers: readonly Peer[], meanwhile: Partial<FakeLife> = {}): void => {
      const life = fakeLife({ name: "a", address: a.address });
      const watcher = made(viewWellFormed, fakeFacts([life]));
      watcher.viewed(life, { before: list(self), peers: before });
      Object.assign(life, meanwhile);
      watcher.viewed(life, { before, peers });
    };
    for (const peers of [[b, self, c, d], [self, c], [self], [b, self, { ...c, addr: "e" }]]) {
      after(list(...peers));
    }
    for (
      const peers of [
        [b, self, d, c],
        [b, c, self],
        [self, b, c],
        [b, b, self, c],
        [b, self, c, c],
        [b, self, self, c],
        [b, c],
        [b, { ...self, self: false }, c],
        [b, self, { ...c, self: true }],
        [b, { ...self, state: "participant" as const }, c],
      ]
    ) breaks("view-well-formed", () => after(list(...peers)));
    breaks("view-well-formed", () => after(list(b, self, c, d), { state: "participant" }));
  });

  it("sharders-agree: a sharder does not follow its view", () => {
    const peers = list(
      peer("a", { self: true, state: "participant" }),
      peer("b", { state: "participant" }),
    );
    const followed = sharder(ring({ tokens: 4 }), peers);
    checkSharder(fakeLife({ name: "a", peers, sharder: followed }));
    const behind = fakeLife({ name: "a", peers: list(peers[0]!), sharder: followed });
    breaks("sharders-agree", () => {
      made(shardersAgree, fakeFacts([a])).viewed(behind, { before: [], peers });
    });
  });

  it("bounded: more records or broadcasts than names, or too many bytes", () => {
    for (const stats of [{ dead: 5 }, { queuedBroadcasts: 9 }]) {
      const watcher = made(bounded, fakeFacts([a]));
      watcher.started(a);
      const grown = fakeLife({ name: "a", stats: { ...a.stats, ...stats } });
      breaks("bounded", () => watcher.stepped(grown));
    }
    const watcher = made(bounded, fakeFacts([a]));
    watcher.started(a);
    watcher.stepped(a);
    const bytes = new Uint8Array(5000);
    breaks("bounded", () => watcher.written({ from: a, kind: "request", bytes }));
  });
});
