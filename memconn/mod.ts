/**
 * Connections, listeners and `fetch` inside one process: for a node that talks to itself, and for tests.
 *
 * @module
 */
export { memConnPair } from "./conn.ts";
export type { MemConn, MemConnOptions } from "./conn.ts";
export { memListener } from "./listener.ts";
export type { MemListener, MemListenerOptions, MemWaitOptions } from "./listener.ts";
export { memFetch } from "./fetch.ts";
export type { FetchFunction, MemFetchOptions } from "./fetch.ts";
