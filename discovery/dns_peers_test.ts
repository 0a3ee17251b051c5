import { after, before, beforeEach, describe, it } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { needs } from "../tests/_needs.ts";
import { DnsServer } from "./_harness.ts";
import type { DiscoveryFailure } from "./discovery.ts";
import { dnsPeers } from "./dns_peers.ts";
import { systemResolver } from "./dns_resolver.ts";
import type { DnsResolver } from "./dns_resolver.ts";
import { joinedPeers } from "./joined_peers.ts";
import { resolveAll } from "./resolve_all.ts";
import { srvPeers } from "./srv_peers.ts";
import { staticPeers } from "./static_peers.ts";

describe("discovery by a real DNS server", needs("net"), () => {
  let server: DnsServer;
  let resolver: DnsResolver;
  let impatient: DnsResolver;
  const name = "peers.test";

  before(async () => {
    server = new DnsServer();
    const servers = [await server.listen()];
    resolver = systemResolver({ servers, lookup: false });
    impatient = systemResolver({ servers, lookup: false, timeoutMs: 100 });
  });
  after(() => server.close());
  beforeEach(() => {
    server.mode = "answer";
    server.addresses.clear();
    server.services.clear();
    server.queries.length = 0;
    server.addresses.set(name, ["10.0.0.1", "2001:db8::1", "10.0.0.2", "2001:db8::2"]);
  });

  it("dnsPeers() takes all A and AAAA records", async () => {
    assertEquals(await dnsPeers({ name, port: 8080, resolver }).discover(), [
      "10.0.0.1:8080",
      "10.0.0.2:8080",
      "[2001:db8::1]:8080",
      "[2001:db8::2]:8080",
    ]);
    assertEquals([...server.queries].sort(), ["A peers.test", "AAAA peers.test"]);
  });

  it("dnsPeers() asks only for the family", async () => {
    const v4 = await dnsPeers({ name, port: 1, family: 4, resolver }).discover();
    assertEquals(v4, ["10.0.0.1:1", "10.0.0.2:1"]);
    assertEquals(server.queries, ["A peers.test"]);
    const v6 = await dnsPeers({ name, port: 1, family: 6, resolver }).discover();
    assertEquals(v6, ["[2001:db8::1]:1", "[2001:db8::2]:1"]);
  });

  it("dnsPeers() is content with one family", async () => {
    server.addresses.set(name, ["10.0.0.1"]);
    assertEquals(await dnsPeers({ name, port: 1, resolver }).discover(), ["10.0.0.1:1"]);
    server.addresses.set(name, ["2001:db8::1"]);
    assertEquals(await dnsPeers({ name, port: 1, resolver }).discover(), ["[2001:db8::1]:1"]);
  });

  it("dnsPeers() asks again every time, and remembers no answer and no failure", async () => {
    const peers = dnsPeers({ name, port: 1, family: 4, resolver });
    assertEquals(await peers.discover(), ["10.0.0.1:1", "10.0.0.2:1"]);
    server.addresses.set(name, ["10.0.0.3"]);
    assertEquals(await peers.discover(), ["10.0.0.3:1"]);
    server.mode = "servfail";
    await assertRejects(() => peers.discover(), AggregateError);
    server.mode = "answer";
    assertEquals(await peers.discover(), ["10.0.0.3:1"]);
    server.addresses.delete(name);
    await assertRejects(() => peers.discover(), AggregateError);
    server.addresses.set(name, ["10.0.0.4"]);
    assertEquals(await peers.discover(), ["10.0.0.4:1"]);
  });

  it("dnsPeers() gives up on a silent server in time, and recovers", async () => {
    const peers = dnsPeers({ name, port: 1, family: 4, resolver: impatient });
    server.mode = "silent";
    const failures: DiscoveryFailure[] = [];
    const onFailure = (failure: DiscoveryFailure) => failures.push(failure);
    const error = await assertRejects(() => peers.discover({ onFailure }), AggregateError);
    assertEquals(failures.map(({ source }) => source), [name]);
    assertEquals(error.errors.length, 1);
    server.mode = "answer";
    const patient = dnsPeers({ name, port: 1, family: 4, resolver });
    assertEquals(await patient.discover(), ["10.0.0.1:1", "10.0.0.2:1"]);
  });

  it("dnsPeers() stops when aborted, with the reason, and disturbs no other query", async () => {
    server.mode = "silent";
    const controller = new AbortController();
    const aborted = dnsPeers({ name, port: 1, resolver }).discover({ signal: controller.signal });
    const asked = server.nextQuery();
    await asked;
    server.mode = "answer";
    const other = dnsPeers({ name, port: 1, family: 4, resolver }).discover();
    controller.abort(new Error("leaving"));
    await assertRejects(() => aborted, Error, "leaving");
    assertEquals(await other, ["10.0.0.1:1", "10.0.0.2:1"]);
  });

  it("srvPeers() resolves every target, by priority, then weight", async () => {
    const service = "_cluster._tcp.test";
    server.services.set(service, [
      { name: "c.test", port: 3, priority: 2, weight: 9 },
      { name: "a.test", port: 1, priority: 1, weight: 1 },
      { name: "b.test", port: 2, priority: 1, weight: 5 },
    ]);
    server.addresses.set("a.test", ["10.0.0.1", "2001:db8::1"]);
    server.addresses.set("b.test", ["10.0.0.2"]);
    server.addresses.set("c.test", ["10.0.0.3"]);
    assertEquals(await srvPeers({ name: service, resolver }).discover(), [
      "10.0.0.2:2",
      "10.0.0.1:1",
      "[2001:db8::1]:1",
      "10.0.0.3:3",
    ]);
    const v6 = srvPeers({ name: service, resolver, family: 6 });
    assertEquals(await v6.discover(), ["[2001:db8::1]:1"]);
  });

  it("srvPeers() lets a target that fails hide no other", async () => {
    const service = "_cluster._tcp.test";
    server.services.set(service, [
      { name: "gone.test", port: 1, priority: 1, weight: 1 },
      { name: "a.test", port: 2, priority: 1, weight: 1 },
    ]);
    server.addresses.set("a.test", ["10.0.0.1"]);
    const failures: string[] = [];
    const onFailure = ({ source }: DiscoveryFailure) => failures.push(source);
    const peers = srvPeers({ name: service, resolver });
    assertEquals(await peers.discover({ onFailure }), ["10.0.0.1:2"]);
    assertEquals(failures, ["gone.test:1"]);
    server.mode = "servfail";
    await assertRejects(() => peers.discover({ onFailure }), AggregateError, "dns SRV _cluster");
    assertEquals(failures, ["gone.test:1", `dns SRV ${service}`]);
  });

  it("srvPeers() finds nobody where the service is declared not to exist", async () => {
    const records = [{ name: ".", port: 0, priority: 0, weight: 0 }];
    const declared = { ...resolver, resolveSrv: () => Promise.resolve(records) };
    assertEquals(await srvPeers({ name: "_x._tcp.test", resolver: declared }).discover(), []);
  });

  it("joinedPeers() asks all at once, de-duplicates, and fails only if all do", async () => {
    const dns = dnsPeers({ name, port: 1, family: 4, resolver });
    const gone = dnsPeers({ name: "gone.test", port: 1, resolver });
    const fixed = staticPeers(["10.0.0.2:1", "10.0.0.9:1"]);
    const failures: string[] = [];
    const onFailure = ({ source }: DiscoveryFailure) => failures.push(source);
    const found = await joinedPeers(gone, fixed, dns).discover({ onFailure });
    assertEquals(found, ["10.0.0.2:1", "10.0.0.9:1", "10.0.0.1:1"]);
    assertEquals(failures, ["gone.test"]);
    const error = await assertRejects(() => joinedPeers(gone, gone).discover(), AggregateError);
    assertEquals(error.errors.length, 2);
    assertInstanceOf(error.errors[0], AggregateError);
  });

  it("resolveAll() mixes names and addresses, without self", async () => {
    const found = await resolveAll(["10.0.0.2:8080", name, "other.test:9", "10.0.0.7"], {
      resolver,
      defaultPort: 8080,
      self: ["10.0.0.1:8080", "[2001:DB8::0:1]:8080"],
    });
    assertEquals(found, ["10.0.0.2:8080", "[2001:db8::2]:8080", "10.0.0.7:8080"]);
    assert(Object.isFrozen(found));
  });
});

describe("resolveAll()", () => {
  const none = () => Promise.reject(new Error("ENODATA"));
  const nothing: DnsResolver = { resolve4: none, resolve6: none, resolveSrv: none };

  it("resolves nothing to nothing", async () => {
    assertEquals(await resolveAll([]), []);
    assertEquals(await resolveAll(["10.0.0.1:1"], { self: "10.0.0.1:1" }), []);
  });

  it("tells of what it cannot read, and fails when that is all", async () => {
    const failures: string[] = [];
    const onFailure = ({ source }: DiscoveryFailure) => failures.push(source);
    const addresses = ["10.0.0.1:0", "10.0.0.1", "x y:1", "gone.test:1", "10.0.0.1:1"];
    assertEquals(await resolveAll(addresses, { onFailure, resolver: nothing }), ["10.0.0.1:1"]);
    assertEquals(failures, addresses.slice(0, 4));
    const error = await assertRejects(
      () => resolveAll(addresses.slice(0, 4), { resolver: nothing }),
      AggregateError,
      "Cannot resolve gone.test",
    );
    assertEquals(error.errors.length, 4);
    await assertRejects(() => resolveAll(["10.0.0.1"], { defaultPort: 0 }), RangeError);
  });

  it("asks lookup only for what DNS does not know, and for localhost at once", async () => {
    const asked: string[] = [];
    const resolver: DnsResolver = {
      ...nothing,
      resolve4(host) {
        asked.push(`A ${host}`);
        return host === "known.test" ? Promise.resolve(["10.0.0.1"]) : none();
      },
      lookup(host) {
        asked.push(`lookup ${host}`);
        return Promise.resolve(["127.0.0.1", "::1", "127.0.0.1"]);
      },
    };
    const options = { resolver, defaultPort: 1, family: 4 as const };
    assertEquals(await resolveAll(["known.test"], options), ["10.0.0.1:1"]);
    assertEquals(await resolveAll(["hosts-entry"], options), ["127.0.0.1:1"]);
    assertEquals(await resolveAll(["localhost"], options), ["127.0.0.1:1"]);
    assertEquals(asked, [
      "A known.test",
      "A hosts-entry",
      "lookup hosts-entry",
      "lookup localhost",
    ]);
  });

  it("a name without addresses of the family is a failure, also by lookup", async () => {
    const none = () => Promise.reject(new Error("ENODATA"));
    const lookup = () => Promise.resolve(["10.0.0.1"]);
    const resolver = { resolve4: none, resolve6: none, resolveSrv: none, lookup };
    await assertRejects(
      () => resolveAll(["v4only.test:80"], { family: 6, resolver }),
      AggregateError,
      "no IPv6 address",
    );
  });

  it("finds localhost through the system", needs("net"), async () => {
    const found = await resolveAll(["localhost:7"]);
    assert(found.includes("127.0.0.1:7") || found.includes("[::1]:7"), found.join());
  });

  it("rejects at once when aborted beforehand", async () => {
    const signal = AbortSignal.abort(new Error("over"));
    await assertRejects(() => resolveAll(["10.0.0.1:1"], { signal }), Error, "over");
  });
});

describe("systemResolver()", () => {
  it("refuses a time outside its range", () => {
    assertThrows(() => systemResolver({ timeoutMs: 0 }), RangeError);
    assertThrows(() => systemResolver({ timeoutMs: 60_001 }), RangeError);
  });
});
