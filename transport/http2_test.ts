import { transportConformance } from "./_conformance.ts";
import { http2Fixture, isDeno } from "./_harness.ts";
import { listenNode } from "./http2/node_server.ts";
import { listen } from "./listen.ts";

transportConformance("http2 on the runtime's server", {
  create: () => http2Fixture(listen),
  permissions: ["net"],
});
// Its node:http2 does not survive clients that say GOAWAY.
if (!isDeno) {
  transportConformance("http2 on node:http2", { create: () => http2Fixture(listenNode) });
}
