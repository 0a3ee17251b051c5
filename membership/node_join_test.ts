import { describe, it } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { scuttlebutt } from "../gossip/scuttlebutt/mod.ts";
import { keptLog, settle } from "./_harness.ts";
import { addressOf, names, world } from "./_harness_world.ts";
import { JoinError, StoppedError } from "./errors.ts";
import type { Node } from "./node.ts";
import type { NodeOptions } from "./options.ts";

const NEWS_MS = 10_000;

/** A resolver that knows what the table says: addresses, none, or that the name does not exist. */
function dns(table: Readonly<Record<string, readonly string[] | undefined>>) {
  const asked: string[] = [];
  const none = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));
  return {
    asked,
    resolve4(name: string): Promise<readonly string[]> {
      asked.push(name);
      const found = table[name];
      if (found === undefined) return none("ENOTFOUND");
      return found.length === 0 ? none("ENODATA") : Promise.resolve(found);
    },
    resolve6: () => none("ENODATA"),
    resolveSrv: () => none("ENODATA"),
  };
}

describe("Node.join()", () => {
  const keyed: Partial<NodeOptions> = { gossip: scuttlebutt() };

  it("of nobody is nobody, and starts the node", async () => {
    const w = world();
    const a = w.create("a", keyed);
    assertEquals(await w.during(a.join([])), []);
    assertEquals(a.health.phase, "started");
    await w.end();
  });

  it("tells who answered, in the order of the addresses, each once, without the own name", async () => {
    const w = world();
    await w.cluster(3, keyed);
    const d = w.create("d", keyed);
    const given = ["c", "d", "a", "c"].map(addressOf);
    assertEquals(await w.during(d.join([...given, "10.0.0.99:80"])), ["c", "a"]);
    assertEquals(names(d.peers), "abcd");
    assertEquals(await w.during(d.join([addressOf("d")])), []);
    await w.end();
  });

  it("rejects when nothing answered, with what became of each address", async () => {
    const w = world();
    const a = w.create("a", { ...keyed, resolver: dns({}) });
    const other = w.create("b", { ...keyed, clusterName: "other" });
    await w.during(other.join([]));
    const error = await assertRejects(
      () => w.during(a.join([addressOf("b"), addressOf("c"), "peers.test"])),
      JoinError,
      "peers.test",
    );
    const failures = error.failures.map(({ address, cause }) => `${address} ${cause}`).sort();
    assertEquals(failures, [
      "10.0.0.2:80 cluster",
      "10.0.0.3:80 unreachable",
      "peers.test:80 lookup",
    ]);
    assertEquals([names(a.peers), names(other.peers)], ["a", "b"]);
    assertEquals(a.health.phase, "started");
    await w.end();
  });

  it("another node with the own name at the address is a failure", async () => {
    const w = world();
    const a = w.create("a", keyed);
    const twin = w.create("a", { ...keyed, advertiseAddr: "10.0.0.99:80" });
    await w.during(twin.join([]));
    const error = await assertRejects(() => w.during(a.join(["10.0.0.99:80"])), JoinError);
    assertEquals(error.failures.map(({ cause }) => cause), ["name"]);
    await w.end();
  });

  it("a name with the own address alone, or with none, joins nobody and is no failure", async () => {
    const w = world();
    const log = keptLog();
    const resolver = dns({ "me.test": ["10.0.0.1"], "empty.test": [] });
    const a = w.create("a", { ...keyed, resolver, logger: log });
    assertEquals(await w.during(a.join(["me.test"])), []);
    assertEquals(log.lines.filter((line) => line.startsWith("warn")), []);
    assertEquals(await w.during(a.join(["empty.test"])), []);
    assertEquals(log.lines.filter((line) => line.startsWith("warn")).length, 1);
    await w.end();
  });

  it("a name that does not exist is forgiven when another address answers", async () => {
    const w = world();
    await w.cluster(2, keyed);
    const c = w.create("c", { ...keyed, resolver: dns({}) });
    assertEquals(await w.during(c.join(["none.test", addressOf("b")])), ["b"]);
    await w.end();
  });

  it("a name that does not exist yet stays registered, and heals the cluster later", async () => {
    const w = world();
    const table: Record<string, readonly string[]> = {};
    const a = w.create("a", { ...keyed, resolver: dns(table) });
    const b = w.create("b", keyed);
    await w.during(b.join([]));
    await assertRejects(() => w.during(a.join(["peers.test"])), JoinError, "ENOTFOUND");
    table["peers.test"] = ["10.0.0.2"];
    assert(await w.clock.until(() => names(a.peers) === "ab" && names(b.peers) === "ab", NEWS_MS));
    await w.end();
  });

  it("52: a new address of a name is met in the background, and known ones are left alone", async () => {
    const w = world();
    const table: Record<string, readonly string[]> = { "peers.test": ["10.0.0.1", "10.0.0.2"] };
    const a = w.create("a", keyed);
    const b = w.create("b", { ...keyed, resolver: dns(table) });
    const c = w.create("c", keyed);
    await w.during(a.join([]));
    await w.during(c.join([]));
    assertEquals(await w.during(b.join(["peers.test"])), ["a"]);
    await w.clock.advance(59_000); // past the exchanges of the beginning
    const before = b.stats.driver.exchangesOpened;
    const syncs = () => b.stats.driver.exchangesOpened - before;
    table["peers.test"] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    const met = () => [a, b, c].every((node) => names(node.peers) === "abc");
    assert(await w.clock.until(met, 67_000));
    assert(syncs() <= 2, `${syncs()} exchanges`); // the new address, and perhaps the sync of the minute
    await w.end();
  });

  it("tries every address of a name, four at a time, until three answered", async () => {
    const w = world();
    const nodes = await w.cluster(8, keyed);
    const resolver = dns({
      "peers.test": nodes.map(({ advertiseAddr }) => advertiseAddr.split(":")[0]!),
    });
    const i = w.create("i", { ...keyed, resolver });
    const joined = await w.during(i.join(["peers.test"]));
    assertEquals(joined.length, 3);
    assert(i.stats.driver.exchangesOpened <= 6);
    assert(
      await w.clock.until(() => nodes.every(({ peers }) => names(peers) === "abcdefghi"), NEWS_MS),
    );
    await w.end();
  });

  it("51: the own port is the default one; what is no address is refused before anything is tried", async () => {
    const w = world();
    const resolver = dns({ h: ["10.0.0.2"] });
    const a = w.create("a", { ...keyed, resolver, advertiseAddr: "10.0.0.1:7100" });
    const b = w.create("b", { ...keyed, advertiseAddr: "10.0.0.2:7100" });
    const six = w.create("s", { ...keyed, advertiseAddr: "[2001:db8::1]:7100" });
    await w.during(b.join([]));
    await w.during(six.join([]));
    for (const bad of ["a:b:c", "", ":80", "10.0.0.2:0", "10.0.0.2:70000", "a b", "[h]:1", 7]) {
      await assertRejects(() => a.join(["h", bad as string]), TypeError, "addresses");
    }
    await assertRejects(() => a.join("h" as unknown as string[]), TypeError, "array");
    assertEquals([a.health.phase, resolver.asked], ["created", []]);
    assertEquals(await w.during(a.join(["h"])), ["b"]);
    assertEquals(await w.during(a.join(["10.0.0.2"])), ["b"]);
    assertEquals(await w.during(a.join(["2001:DB8::1", "::ffff:10.0.0.2"])), ["s", "b"]);
    assertEquals(await w.during(a.join(["[2001:db8::1]", "[2001:db8::1]:7100"])), ["s"]);
    await w.end();
  });

  it("ends with its signal, and with the node", async () => {
    const w = world();
    const a = w.create("a", keyed);
    const b = w.create("b", keyed);
    await w.during(b.join([]));
    w.network.hold(addressOf("b"));
    const abort = new AbortController();
    const joining = assertRejects(
      () => a.join([addressOf("b")], { signal: abort.signal }),
      Error,
      "enough",
    );
    await settle();
    abort.abort(new Error("enough"));
    await joining;
    const other = assertRejects(() => a.join([addressOf("b")]), StoppedError, "join");
    await settle();
    await w.during(a.stop());
    await other;
    await w.end();
  });

  it("start() joins as well, as with any protocol", async () => {
    const w = world();
    const nodes = await w.cluster(3, keyed); // by start()
    const ids = (node: Node) => node.nodes().map(({ id }) => id).join("");
    assert(await w.clock.until(() => nodes.every((node) => ids(node) === "abc"), NEWS_MS));
    await w.end();
  });
});
