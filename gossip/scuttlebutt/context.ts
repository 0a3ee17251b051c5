import type { GossipContext } from "../strategy.ts";
import { parseAddress } from "../swim/address.ts";
import { MAX_LABEL_BYTES } from "./wire/codec.ts";
import { utf8Length } from "./wire/lengths.ts";

/** @throws {RangeError} When the context of a node is outside its ranges; the message names what. */
export function checkContext({ name, address, clusterName, generation }: GossipContext): void {
  const fail = (rule: string, value: unknown): never => {
    throw new RangeError(`Cannot create a node as ${rule}: current value is ${value}`);
  };
  if (name === "" || name.includes("\0") || utf8Length(name) > 255) {
    fail("'name' must have 1 to 255 bytes and no NUL", JSON.stringify(name));
  }
  if (parseAddress(address) === undefined) {
    fail("'address' must be an IP address with a port", `"${address}"`);
  }
  if (utf8Length(clusterName) > MAX_LABEL_BYTES) {
    fail(`'clusterName' must have at most ${MAX_LABEL_BYTES} bytes`, `"${clusterName}"`);
  }
  if (!Number.isSafeInteger(generation) || generation < 1 || generation > 2 ** 53 - 2) {
    fail("'generation' must be an integer from 1 to 2^53 - 2", generation);
  }
}
