import { md5 as digest } from "@noble/hashes/legacy.js";
import type { HashFamily } from "./family.ts";
import { digestFamily } from "./_noble.ts";

/**
 * The first four bytes of MD5, big endian: 32 bits. The Raft ClusterKit maps a key to partition `md5(key) mod partitions` with
 * it. About forty times slower than `xxh64`, and no protection against anybody who chooses keys on purpose.
 */
export const md5: HashFamily = /* @__PURE__ */ digestFamily("md5", 32, digest);
