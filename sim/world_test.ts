import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { swim } from "../gossip/swim/swim.ts";
import { participantObserver } from "../membership/observers.ts";
import { ViolationError } from "./violation.ts";
import { type World, world } from "./world.ts";

const names = (w: World, node: number): string => w.nodes[node]!.peers.map((p) => p.name).join();

function story(seed: number): World {
  const w = world({ seed, nodes: 6 });
  w.lose(0.2);
  w.partition([0, 1], [2, 3]);
  w.advance(20_000);
  w.pause(4, 5000);
  w.crash(5);
  w.advance(10_000);
  w.heal();
  w.restart(5, { address: "new" });
  w.advance(5000);
  return w;
}

describe("world()", () => {
  it("is a function of its seed and of what is done to it", () => {
    const [first, second, other] = [story(1), story(1), story(2)];
    assertEquals([first.traceHash, first.events], [second.traceHash, second.events]);
    assertNotEquals(first.traceHash, other.traceHash);
  });

  it("forms, parts and heals, and an observer is told of each", () => {
    const w = world({ seed: 3, nodes: 5 });
    const seen: number[] = [];
    const end = w.nodes[0]!.observe((peers) => void seen.push(peers.length));
    w.partition([0, 1], [2, 3, 4]);
    w.advance(40_000);
    assertEquals([names(w, 0), names(w, 3)], ["n0,n1", "n2,n3,n4"]);
    w.heal();
    assert(!w.converged);
    assert(w.expectConverged() > 0);
    assertEquals([seen.at(-1), w.converged], [5, true]);
    end();
    w.crash(1);
    w.expectConverged();
    assertEquals(seen.at(-1), 5);
  });

  it("one part may be named alone; the rest are the other", () => {
    const w = world({ seed: 4, nodes: 4 });
    w.partition([3]);
    w.advance(40_000);
    assertEquals([names(w, 3), names(w, 0)], ["n3", "n0,n1,n2"]);
  });

  it("owners of keys are the same everywhere once it converged, and none is a viewer", () => {
    const w = world({ seed: 5, nodes: 4, participate: false });
    assertThrows(() => w.nodes[0]!.lookup("k", 1));
    for (const node of w.nodes.slice(1)) node.changeState("participant");
    w.advance(2000);
    const owners = w.nodes.map((node) => node.lookup("k", 2).map(({ name }) => name).join());
    assertEquals(new Set(owners).size, 1);
    assert(!owners[0]!.includes("n0"));
  });

  it("crash(), restart(), leave() and pause() do what they say", () => {
    const w = world({ seed: 6, nodes: 4 });
    w.leave(1);
    w.advance(3000);
    assertEquals([w.nodes[1]!.running, names(w, 0)], [false, "n0,n2,n3"]);
    const { address } = w.nodes[2]!;
    w.crash(2);
    assertEquals([w.nodes[2]!.running, w.nodes[2]!.peers], [false, []]);
    assertThrows(() => w.nodes[2]!.lookup("k", 1), RangeError);
    w.restart(2, { address: "new" });
    w.restart(1);
    w.expectConverged();
    assertNotEquals(w.nodes[2]!.address, address);
    const lost: string[] = [];
    w.nodes[0]!.observe((peers) => void (peers.length < 4 && lost.push("lost")));
    w.pause(3, 25_000);
    w.advance(25_000);
    assert(lost.length > 0, "a sleep of 25 s is longer than a suspicion of the preset `fast`");
    w.expectConverged();
  });

  it("observers survive a restart of the process, wrapped ones as well", () => {
    const w = world({ seed: 7, nodes: 3 });
    const told: number[] = [];
    w.nodes[0]!.observe(participantObserver((peers) => void told.push(peers.length)));
    w.restart(0);
    w.expectConverged();
    assertEquals(told.at(-1), 3);
  });

  it("expectConverged() says who sees it differently, with the seed", () => {
    const w = world({ seed: 8, nodes: 3, gossip: swim("ckit") });
    w.crash(2);
    const error = assertThrows(() => w.expectConverged({ withinMs: 1000 }), ViolationError);
    assertEquals(error.kind, "liveness");
    assert(/seed 8.*n0 sees 3 of 2.*has \[n2@/.test(error.message), error.message);
  });

  it("refuses what is outside its ranges", () => {
    for (const nodes of [0, 1.5, 10_001]) assertThrows(() => world({ nodes }), RangeError);
    const w = world({ nodes: 1 });
    assertThrows(() => w.advance(-1), RangeError);
    assertThrows(() => w.crash(1), RangeError);
  });
});
