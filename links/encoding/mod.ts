/** Stand-in for `jsr:@std/encoding`: the same code, from npm. */
export { decodeBase64, decodeHex, encodeBase64, encodeHex } from "byte-encodings";
