/** Any packet and any stream that the codec takes, for fast-check. */
import fc from "fast-check";
import { LABEL } from "./_harness.ts";
import type { Block, DigestEntry, Packet, StreamMessage } from "./messages.ts";
import type { Entry } from "./mod.ts";

/** Records as literals make them. */
function record<T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const number = fc.oneof(fc.nat(300), fc.constantFrom(0, 127, 128, 16_384, 2 ** 53 - 1));
const name = fc.oneof(
  fc.constantFrom("a", "b", "node-7", "é😀", "x".repeat(255)),
  fc.string({ minLength: 1, maxLength: 12 }).filter((text) =>
    !text.includes("\0") && text.isWellFormed()
  ),
);
const text = fc.oneof(
  fc.string({ maxLength: 30 }).filter((one) => one.isWellFormed()),
  fc.constantFrom("", "v".repeat(200), "é€😀"),
);
const key = text.filter((one) => new TextEncoder().encode(one).length <= 255);
const generation = number.map((one) => Math.max(1, one));
const dentry: fc.Arbitrary<DigestEntry> = record({
  id: name,
  generation,
  heartbeat: number,
  version: number,
  left: fc.boolean(),
  down: fc.boolean(),
  want: fc.boolean(),
}).map((one) => one.want ? { ...one, heartbeat: 0, version: 0 } : one);
const entries: fc.Arbitrary<readonly (Omit<Entry, "version"> & { step: number })[]> = fc.array(
  record({
    key,
    value: text,
    step: fc.integer({ min: 1, max: 300 }),
    internal: fc.boolean(),
    deleted: fc.boolean(),
  }),
  { maxLength: 5 },
);
const blocks: fc.Arbitrary<readonly Block[]> = fc.uniqueArray(
  record({
    id: name,
    generation,
    addr: name,
    heartbeat: number,
    left: fc.boolean(),
    down: fc.boolean(),
    more: fc.boolean(),
    from: fc.nat(2 ** 40),
    entries,
  }).map(({ entries, from, ...rest }) => {
    let version = from;
    return {
      ...rest,
      from,
      entries: entries.map(({ step, key, value, internal, deleted }) => ({
        key,
        value: deleted ? "" : value,
        version: version += step,
        internal,
        deleted,
      })),
    };
  }),
  { maxLength: 4, selector: ({ id }) => id },
);
const digest = fc.uniqueArray(dentry, { maxLength: 6, selector: ({ id }) => id });
const prefix = {
  source: record({ id: name, generation, addr: name }),
  known: number,
  exchange: number,
};
const type = <const T extends string>(value: T): fc.Arbitrary<T> => fc.constant(value);
const reject = record({
  type: type("reject"),
  code: fc.integer({ min: 0, max: 255 }),
  a: number,
  b: number,
});

/** Any packet. */
export const packetArbitrary: fc.Arbitrary<Packet> = fc.oneof(
  record({ type: type("syn"), ...prefix, digest }),
  record({ type: type("synAck"), ...prefix, digest, delta: blocks }),
  record({ type: type("ack"), ...prefix, wants: digest, delta: blocks }),
  record({ type: type("fin"), ...prefix, delta: blocks }),
  reject,
);
const label = fc.constantFrom("", LABEL, "l".repeat(64));
const parts: fc.Arbitrary<StreamMessage> = fc.oneof(
  record({
    type: fc.constantFrom("join" as const, "sync" as const),
    ...prefix,
    label,
    last: fc.boolean(),
    digest,
    delta: blocks,
  }),
  record({
    type: fc.constantFrom("joinReply" as const, "leave" as const),
    ...prefix,
    label,
    last: fc.boolean(),
    delta: blocks,
  }),
  record({ type: type("leaveAck"), ...prefix }),
  reject,
);
/** Any request or reply: only its last message is the last. */
export const streamArbitrary: fc.Arbitrary<readonly StreamMessage[]> = fc.array(parts, {
  minLength: 1,
  maxLength: 4,
}).map((messages) =>
  messages.filter((message, i) => i === messages.length - 1 || "last" in message)
    .map((message, i, all) =>
      "last" in message ? { ...message, last: i === all.length - 1 } : message
    )
);
