import { describe, it } from "node:test";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { needs } from "../tests/_needs.ts";
import { parseIp } from "./ip.ts";
import { advertiseAddress } from "./advertise_address.ts";
import type { AdvertiseAddressOptions } from "./advertise_address.ts";
import { localAddressTo } from "./local_address.ts";
import { NoAddressError } from "./no_address_error.ts";

const none = () => Promise.reject(new Error("ENODATA"));
const quiet: AdvertiseAddressOptions = {
  port: 8080,
  env: {},
  interfaces: [{ name: "eth0", addresses: ["10.9.9.9/24", "2001:db8::9/64"] }],
  resolver: { resolve4: none, resolve6: none, resolveSrv: none },
};

describe("advertiseAddress()", () => {
  it("takes the explicit address before everything else", async () => {
    const env = { POD_IP: "10.0.0.1" };
    assertEquals(await advertiseAddress({ ...quiet, env, explicit: "10.1.1.1" }), "10.1.1.1:8080");
    assertEquals(await advertiseAddress({ ...quiet, explicit: "10.1.1.1:99" }), "10.1.1.1:99");
    assertEquals(await advertiseAddress({ ...quiet, explicit: "::1" }), "[::1]:8080");
    assertEquals(
      await advertiseAddress({ ...quiet, explicit: "[2001:DB8::1]:9" }),
      "[2001:db8::1]:9",
    );
  });

  it("refuses an explicit address that peers cannot dial", async () => {
    await assertRejects(() => advertiseAddress({ ...quiet, explicit: "my-host:80" }), TypeError);
    await assertRejects(() => advertiseAddress({ ...quiet, explicit: "10.0.0.1:0" }), TypeError);
    await assertRejects(() => advertiseAddress({ ...quiet, explicit: "0.0.0.0" }), RangeError);
    await assertRejects(() => advertiseAddress({ ...quiet, explicit: "[::]:80" }), RangeError);
    await assertRejects(() => advertiseAddress({ ...quiet, port: 0 }), RangeError);
    await assertRejects(() => advertiseAddress({ ...quiet, routeTimeoutMs: NaN }), RangeError);
  });

  it("takes the environment before a route", async () => {
    const route = () => Promise.resolve("10.2.2.2");
    const seeds = ["10.0.0.2:8080"];
    const env = { POD_IP: " 10.0.0.1 ", HOST_IP: "10.3.3.3" };
    assertEquals(await advertiseAddress({ ...quiet, env, seeds, route }), "10.0.0.1:8080");
    const envNames = ["NOPE", "HOST_IP"];
    assertEquals(
      await advertiseAddress({ ...quiet, env, envNames, seeds, route }),
      "10.3.3.3:8080",
    );
    assertEquals(
      await advertiseAddress({ ...quiet, env, envNames: [], seeds, route }),
      "10.2.2.2:8080",
    );
  });

  it("takes the first fitting address of a dual-stack environment", async () => {
    const given = { ...quiet, env: { POD_IPS: "10.0.0.1,fd00::1" }, envNames: ["POD_IPS"] };
    assertEquals(await advertiseAddress(given), "10.0.0.1:8080");
    assertEquals(await advertiseAddress({ ...given, family: 6 }), "[fd00::1]:8080");
  });

  it("takes the route to a seed before the interfaces", async () => {
    const asked: unknown[] = [];
    const route: AdvertiseAddressOptions["route"] = (target) => {
      asked.push(target);
      return Promise.resolve("2001:db8::5");
    };
    const seeds = ["[2001:db8::1]:9090"];
    assertEquals(await advertiseAddress({ ...quiet, seeds, route }), "[2001:db8::5]:8080");
    assertEquals(asked, [{ host: "2001:db8::1", port: 9090 }]);
  });

  it("asks for every address of a seed's name, and goes on after failures", async () => {
    const resolver = {
      ...quiet.resolver!,
      resolve4: () => Promise.resolve(["10.0.0.2", "10.0.0.3"]),
    };
    const route: AdvertiseAddressOptions["route"] = ({ host }) =>
      host === "10.0.0.3" ? Promise.resolve("10.0.0.7") : Promise.resolve("127.0.0.1");
    const seeds = ["not a seed", "seed.test"];
    assertEquals(await advertiseAddress({ ...quiet, resolver, seeds, route }), "10.0.0.7:8080");
  });

  it("takes loopback only if no seed is reached otherwise", async () => {
    const route: AdvertiseAddressOptions["route"] = ({ host }) =>
      Promise.resolve(host === "127.0.0.1" ? "127.0.0.1" : "169.254.0.9");
    const local = { ...quiet, route, seeds: ["127.0.0.1:1"] };
    assertEquals(await advertiseAddress(local), "127.0.0.1:8080");
    const both = { ...local, seeds: ["127.0.0.1:1", "169.254.0.1:1"] };
    assertEquals(await advertiseAddress(both), "169.254.0.9:8080");
  });

  it("falls back to the interfaces, with their options", async () => {
    const route = () => Promise.reject(new Error("ENETUNREACH"));
    const seeds = ["10.0.0.2:8080"];
    assertEquals(await advertiseAddress({ ...quiet, seeds, route }), "10.9.9.9:8080");
    assertEquals(
      await advertiseAddress({ ...quiet, seeds, route, family: 6 }),
      "[2001:db8::9]:8080",
    );
  });

  it("fails with every candidate of every step", async () => {
    const error = await assertRejects(
      () =>
        advertiseAddress({
          ...quiet,
          env: { POD_IP: "pod-7", HOST_IP: "0.0.0.0" },
          envNames: ["POD_IP", "HOST_IP", "OTHER"],
          seeds: ["10.0.0.2:8080", "seed.test"],
          route: () => Promise.reject(new Error("no route")),
          interfaces: [{ name: "lo", addresses: ["127.0.0.1/8"] }],
        }),
      NoAddressError,
    );
    assertEquals(error.candidates.map(({ source }) => source), [
      "environment POD_IP",
      "environment HOST_IP",
      "environment OTHER",
      "route to 10.0.0.2:8080",
      "route to seed.test",
      "interface lo",
    ]);
    assertStringIncludes(error.message, "- environment POD_IP: pod-7 (not an IP address)");
    assertStringIncludes(error.message, "- route to 10.0.0.2:8080: no route");
    assertStringIncludes(error.message, "ENODATA");
  });

  it("rejects with the signal's reason, before and during the search", async () => {
    const reason = new Error("enough");
    await assertRejects(
      () => advertiseAddress({ ...quiet, signal: AbortSignal.abort(reason) }),
      Error,
      "enough",
    );
    const controller = new AbortController();
    const route: AdvertiseAddressOptions["route"] = (_target, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        controller.abort(reason);
      });
    await assertRejects(
      () => advertiseAddress({ ...quiet, seeds: ["10.0.0.2:1"], route, signal: controller.signal }),
      Error,
      "enough",
    );
  });
});

describe("localAddressTo()", needs("net", "sys"), () => {
  it("answers with loopback for a loopback target, IPv4 and IPv6", async () => {
    assertEquals(await localAddressTo({ host: "127.0.0.1", port: 9 }), "127.0.0.1");
    assertEquals(await localAddressTo({ host: "::1", port: 9 }), "::1");
  });

  it("answers without injected subnets, from a TCP handshake if need be", async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const found = await localAddressTo({ host: "127.0.0.1", port }, { interfaces: [] });
    assert(parseIp(found) !== undefined);
    assertEquals(found, "127.0.0.1");
    await new Promise((resolve) => server.close(resolve));
  });
});
