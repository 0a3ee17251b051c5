/**
 * Where peers may be: fixed addresses, DNS (A, AAAA, SRV), a file, or several of these at once. Asked again before every attempt to join.
 *
 * @module
 */
export type { DiscoverOptions, Discovery, DiscoveryFailure } from "./discovery.ts";
export { dnsPeers } from "./dns_peers.ts";
export type { DnsPeersOptions } from "./dns_peers.ts";
export { systemResolver } from "./dns_resolver.ts";
export type {
  DnsResolver,
  ResolveOptions,
  SrvRecord,
  SystemResolverOptions,
} from "./dns_resolver.ts";
export { filePeers, parsePeers } from "./file_peers.ts";
export type { FilePeersOptions } from "./file_peers.ts";
export { joinedPeers } from "./joined_peers.ts";
export { resolveAll } from "./resolve_all.ts";
export type { ResolveAllOptions } from "./resolve_all.ts";
export { srvPeers } from "./srv_peers.ts";
export type { SrvPeersOptions } from "./srv_peers.ts";
export { staticPeers } from "./static_peers.ts";
export type { StaticPeersOptions } from "./static_peers.ts";
