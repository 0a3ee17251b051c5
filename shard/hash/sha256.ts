import { sha256 as digest } from "@noble/hashes/sha2.js";
import type { HashFamily } from "./family.ts";
import { digestFamily } from "./_noble.ts";

/**
 * The first eight bytes of SHA-256, big endian: 64 bits. For clusters whose keys are chosen by somebody hostile: with a secret
 * prefix in front of every key nobody can aim at one node.
 */
export const sha256: HashFamily = /* @__PURE__ */ digestFamily("sha256", 64, digest);
