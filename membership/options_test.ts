import { describe, it } from "node:test";
import { Registry } from "prom-client";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { scuttlebutt } from "../gossip/scuttlebutt/mod.ts";
import { swim } from "../gossip/swim/mod.ts";
import { ring } from "../shard/ring.ts";
import { RecordingTransport, VirtualClock } from "./_harness.ts";
import { Node } from "./node.ts";
import { resolveNodeOptions } from "./options.ts";
import type { NodeOptions } from "./options.ts";

const good: NodeOptions = { name: "a", advertiseAddr: "10.0.0.1:80", clusterName: "test" };
const without = (option: keyof NodeOptions) => {
  const { [option]: _, ...rest } = good;
  return rest as NodeOptions;
};
const withOption = (option: string, value: unknown) =>
  ({ ...good, [option]: value }) as NodeOptions;

describe("resolveNodeOptions()", () => {
  it("fills in the defaults", () => {
    const resolved = resolveNodeOptions(good);
    assertEquals(resolved.gossip.name, "swim");
    assertEquals(resolved.sharder.name, "ring");
    assert(resolved.transport.routes !== undefined);
    assertEquals(resolved.rejoinIntervalMs, 60_000);
    assertEquals(resolved.maxJoinPeers, 5);
    assertEquals(resolved.minClusterSize, 1);
    assertEquals(resolved.waitTimeoutMs, undefined);
    assertEquals(resolved.limits, {
      leaveTimeoutMs: 5_000,
      requestTimeoutMs: 2_000,
      acceptedTimeoutMs: 10_000,
      maxAcceptedExchanges: 128,
      maxWaitingPackets: 1_024,
    });
    assert(resolved.generation > 1_700_000_000_000);
    const random = resolved.random();
    assert(random >= 0 && random < 1);
    assert(Object.isFrozen(resolved));
  });

  it("with a protocol that makes names, a name is not needed; its time limits count", () => {
    const random = () => 0.999;
    const made = resolveNodeOptions({ ...without("name"), gossip: scuttlebutt(), random });
    assertEquals([made.name, made.generation], ["zzzzzzzzz", 1]);
    assertEquals(made.limits.requestTimeoutMs, 10_000);
    assertEquals(made.limits.acceptedTimeoutMs, 20_000);
    const given = resolveNodeOptions({
      ...good,
      gossip: scuttlebutt({ streamTimeoutMs: 1e9 }),
      limits: { requestTimeoutMs: 7 },
    });
    assertEquals([given.name, given.generation > 1_700_000_000_000], ["a", true]);
    assertEquals(given.limits.requestTimeoutMs, 7);
    assertEquals(given.limits.acceptedTimeoutMs, 600_000);
  });

  it("takes names of 1 to 255 bytes in any script", () => {
    for (
      const name of ["a", "a".repeat(128), "a".repeat(255), "knoten-ü", "节点-一", "🐙", " x "]
    ) {
      assertEquals(resolveNodeOptions({ ...good, name }).name, name);
    }
  });

  it("writes the own address in one canonical way", () => {
    for (
      const [given, canonical] of [
        ["10.0.0.1:80", "10.0.0.1:80"],
        ["[2001:DB8:0::1]:8080", "[2001:db8::1]:8080"],
        ["[::ffff:10.0.0.1]:80", "10.0.0.1:80"],
      ] as const
    ) {
      assertEquals(
        resolveNodeOptions({ ...good, advertiseAddr: given }).advertiseAddr,
        canonical,
      );
    }
  });

  it("takes an empty cluster name when it is said", () => {
    assertEquals(resolveNodeOptions({ ...good, clusterName: "" }).clusterName, "");
  });

  const bad: readonly (readonly [string, string, unknown, NodeOptions])[] = [
    ["no name", "'name'", TypeError, without("name")],
    ["an empty name", "'name'", RangeError, withOption("name", "")],
    ["a name that is no string", "'name'", TypeError, withOption("name", 7)],
    ["a name of 256 bytes", "'name'", RangeError, withOption("name", "a".repeat(256))],
    ["a name of 128 wide characters", "'name'", RangeError, withOption("name", "节".repeat(128))],
    ["a name of 10,000 characters", "'name'", RangeError, withOption("name", "a".repeat(10_000))],
    ["a name with a line break", "'name'", RangeError, withOption("name", "a\nb")],
    ["a name with NUL", "'name'", RangeError, withOption("name", "a\0")],
    ["a name with DEL", "'name'", RangeError, withOption("name", "a\x7f")],
    ["a name with half a surrogate", "'name'", RangeError, withOption("name", "a\ud800")],
    ["no address", "'advertiseAddr'", TypeError, without("advertiseAddr")],
    [
      "an address without port",
      "must have a port",
      TypeError,
      withOption("advertiseAddr", "10.0.0.1"),
    ],
    [
      "a bare IPv6 address",
      "must have a port",
      TypeError,
      withOption("advertiseAddr", "2001:db8::1"),
    ],
    ["port 0", "'advertiseAddr'", TypeError, withOption("advertiseAddr", "10.0.0.1:0")],
    ["port 65536", "'advertiseAddr'", TypeError, withOption("advertiseAddr", "10.0.0.1:65536")],
    ["a host name", "not a host name", TypeError, withOption("advertiseAddr", "localhost:80")],
    ["a wildcard", "'advertiseAddr'", RangeError, withOption("advertiseAddr", "0.0.0.0:80")],
    ["an IPv6 wildcard", "'advertiseAddr'", RangeError, withOption("advertiseAddr", "[::]:80")],
    ["no cluster name", "'clusterName'", TypeError, without("clusterName")],
    [
      "a long cluster name",
      "'clusterName'",
      RangeError,
      withOption("clusterName", "c".repeat(256)),
    ],
    ["a cluster name with ESC", "'clusterName'", RangeError, withOption("clusterName", "\x1b[0m")],
    ["an unknown option", "'advertiseAddress'", TypeError, withOption("advertiseAddress", "x")],
    ["an inherited name", "'toString'", TypeError, withOption("toString", "x")],
    ["a gossip that is none", "'gossip'", TypeError, withOption("gossip", {})],
    ["a sharder that is none", "'sharder'", TypeError, withOption("sharder", "ring")],
    ["a transport that is none", "'transport'", TypeError, withOption("transport", { send() {} })],
    [
      "a discovery that is none",
      "'discovery'",
      TypeError,
      withOption("discovery", ["10.0.0.2:80"]),
    ],
    ["a resolver that is none", "'resolver'", TypeError, withOption("resolver", null)],
    ["a logger without levels", "'logger'", TypeError, withOption("logger", { info() {} })],
    ["a registry that is none", "'registry'", TypeError, withOption("registry", {})],
    ["a clock that is none", "'clock'", TypeError, withOption("clock", Date)],
    ["randomness that is none", "'random'", TypeError, withOption("random", 0.5)],
    ["a rejoin interval of 0", "'rejoinIntervalMs'", RangeError, withOption("rejoinIntervalMs", 0)],
    [
      "a rejoin interval of NaN",
      "'rejoinIntervalMs'",
      RangeError,
      withOption("rejoinIntervalMs", NaN),
    ],
    ["an interval as text", "'rejoinIntervalMs'", TypeError, withOption("rejoinIntervalMs", "60s")],
    ["no peers to join", "'maxJoinPeers'", RangeError, withOption("maxJoinPeers", 0)],
    ["half a peer to join", "'maxJoinPeers'", RangeError, withOption("maxJoinPeers", 1.5)],
    ["a cluster of nobody", "'minClusterSize'", RangeError, withOption("minClusterSize", 0)],
    ["a wait below 0", "'waitTimeoutMs'", RangeError, withOption("waitTimeoutMs", -1)],
    ["an endless wait", "'waitTimeoutMs'", RangeError, withOption("waitTimeoutMs", Infinity)],
    ["a negative generation", "'generation'", RangeError, withOption("generation", -1)],
    ["an inexact generation", "'generation'", RangeError, withOption("generation", 2 ** 53)],
    ["an unknown limit", "'limits.maxPeers'", TypeError, withOption("limits", { maxPeers: 3 })],
    [
      "a limit out of range",
      "'limits.leaveTimeoutMs'",
      RangeError,
      withOption("limits", { leaveTimeoutMs: -1 }),
    ],
    [
      "TLS beside a transport",
      "'tls'",
      TypeError,
      { ...good, transport: new RecordingTransport(), tls: {} },
    ],
    ["TLS that is none", "'tls'", TypeError, withOption("tls", true)],
    ["limits that are none", "'limits'", TypeError, withOption("limits", 5)],
    ["limits in an array", "'limits'", TypeError, withOption("limits", [])],
    ["null for limits", "'limits'", TypeError, withOption("limits", null)],
    ["null for an interval", "'rejoinIntervalMs'", TypeError, withOption("rejoinIntervalMs", null)],
    ["null for a generation", "'generation'", TypeError, withOption("generation", null)],
    ["an unprintable name", "'name'", TypeError, withOption("name", Object.create(null))],
    ["a strategy not called", "'gossip'", TypeError, withOption("gossip", swim)],
    [
      "an algorithm not called",
      "must have the method place",
      TypeError,
      withOption("sharder", ring),
    ],
    ["a zone", "without a zone", TypeError, withOption("advertiseAddr", "[fe80::1%eth0]:80")],
    ["an unknown option of TLS", "'tls.certs'", TypeError, withOption("tls", { certs: "x" })],
    [
      "a TLS flag as text",
      "'tls.rejectUnauthorized'",
      TypeError,
      withOption("tls", { rejectUnauthorized: "no" }),
    ],
    [
      "a server name that is none",
      "'tls.serverName'",
      TypeError,
      withOption("tls", { serverName: 5 }),
    ],
    ["an authority as number", "'tls.ca'", TypeError, withOption("tls", { ca: 5 })],
    [
      "a callback that gives nothing",
      "'tls.certificates()'",
      TypeError,
      withOption("tls", { certificates: () => undefined }),
    ],
    [
      "a callback that promises",
      "'tls.certificates()'",
      TypeError,
      withOption("tls", { certificates: () => Promise.resolve({}) }),
    ],
    [
      "a callback that throws",
      "'tls.certificates'",
      TypeError,
      withOption("tls", {
        certificates: () => {
          throw new Error("ENOENT: ca.pem");
        },
      }),
    ],
    ["nothing", "'options'", TypeError, undefined as unknown as NodeOptions],
  ];
  for (const [what, message, Class, options] of bad) {
    it(`refuses ${what}`, () => {
      const error = assertThrows(() => new Node(options), Class as typeof Error, message);
      assertStringIncludes((error as Error).message, "Cannot create a node as");
      assert(error.message.length < 400, error.message);
      // deno-lint-ignore no-control-regex
      assert(!/[\0-\x1f\x7f]/.test(error.message), "a message is one printable line");
    });
  }

  it("a refused transport was not touched", () => {
    const transport = new RecordingTransport();
    const clock = new VirtualClock();
    assertThrows(() => new Node({ ...good, transport, clock, minClusterSize: 0 }), RangeError);
    assertEquals(transport.calls, []);
    assertEquals(clock.pending, 0);
  });

  it("one registry serves one node", async () => {
    const registry = new Registry();
    const first = new Node({ ...good, registry, transport: new RecordingTransport() });
    const again = () => new Node({ ...good, registry, transport: new RecordingTransport() });
    assertThrows(again, TypeError, "'registry'");
    await first.stop();
    await again().stop(); // a stopped node gives its registry back
  });
});
