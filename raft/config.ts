/**
 * Configurations as values and as bytes.
 *
 * The bytes are canonical: equal configurations have equal bytes on every member.
 *
 * ```txt
 * u8 version = 1 · u8 flags (1: auto-leave) · u16 members
 * each, ascending: u8 length · id · u16 length · address · u8 roles (1 voter, 2 outgoing, 4 learner, 8 learner next)
 * ```
 *
 * Numbers are little-endian, texts UTF-8.
 *
 * @module
 */
import type { ClusterConfig, NodeId } from "./entry.ts";

const VERSION = 1;
const AUTO_LEAVE = 1;
const VOTER = 1;
const OUTGOING = 2;
const LEARNER = 4;
const LEARNER_NEXT = 8;

const maxMembers = 65_535;
const maxIdBytes = 255;
const maxAddressBytes = 65_535;

const encoder = new TextEncoder();

/** Thrown for bytes that are no configuration. */
export class ConfigDecodeError extends SyntaxError {
  /** Always `"ConfigDecodeError"`. */
  override readonly name = "ConfigDecodeError";
}

/** Nobody: what a node knows that waits to be taken in. */
export const emptyConfig: ClusterConfig = Object.freeze({
  voters: Object.freeze([]),
  votersOutgoing: Object.freeze([]),
  learners: Object.freeze([]),
  learnersNext: Object.freeze([]),
  autoLeave: false,
  addresses: Object.freeze([]),
});

/** Whether decisions need two majorities now. */
export function isJoint(config: ClusterConfig): boolean {
  return config.votersOutgoing.length > 0;
}

/** Whether a node has a vote, in either half. */
export function isVoter(config: ClusterConfig, id: NodeId): boolean {
  return config.voters.includes(id) || config.votersOutgoing.includes(id);
}

/** Whether a node belongs to the group. */
export function isMember(config: ClusterConfig, id: NodeId): boolean {
  return isVoter(config, id) || config.learners.includes(id);
}

/** All members, ascending by code unit. */
export function membersOf(config: ClusterConfig): readonly NodeId[] {
  return [...new Set([...config.voters, ...config.votersOutgoing, ...config.learners])].sort();
}

/** Says what is wrong with a node's name; `undefined` when nothing is. */
export function idFault(id: unknown): string | undefined {
  if (typeof id !== "string" || id.length === 0) return "an id must be a text of 1 to 255 bytes";
  return textFault(id, maxIdBytes, "an id");
}

/** Says what is wrong with an address; `undefined` when nothing is. */
export function addressFault(address: unknown): string | undefined {
  if (typeof address !== "string") return "an address must be a text";
  return textFault(address, maxAddressBytes, "an address");
}

/** Says what is wrong with a configuration; `undefined` when nothing is. Never throws, whatever it is given. */
export function configFault(config: ClusterConfig): string | undefined {
  if (typeof config !== "object" || config === null) return "it must be an object";
  const { voters, votersOutgoing, learners, learnersNext, addresses, autoLeave } = config;
  for (const list of [voters, votersOutgoing, learners, learnersNext]) {
    if (!Array.isArray(list)) return "a list is missing";
    for (let i = 0; i < list.length; i++) {
      const fault = idFault(list[i]);
      if (fault !== undefined) return fault;
      if (i > 0 && !(list[i - 1] < list[i])) return "lists must ascend without doubles";
    }
  }
  for (const id of learners) {
    if (voters.includes(id) || votersOutgoing.includes(id)) {
      return `learner ${id} has a vote as well`;
    }
  }
  for (const id of learnersNext) {
    if (!votersOutgoing.includes(id) || voters.includes(id)) {
      return `${id} can become a learner only from a voter that leaves`;
    }
  }
  if (typeof autoLeave !== "boolean") return "'autoLeave' must be a boolean";
  if (autoLeave && votersOutgoing.length === 0) return "only a joint configuration leaves";
  if (voters.length === 0 && (votersOutgoing.length > 0 || learners.length > 0)) {
    return "somebody must have a vote";
  }
  if (!Array.isArray(addresses)) return "'addresses' must be a list";
  const members = membersOf(config);
  if (members.length > maxMembers) return `there can be ${maxMembers} members`;
  if (addresses.length !== members.length) return "each member must have one address";
  for (let i = 0; i < members.length; i++) {
    const pair: unknown = addresses[i];
    if (!Array.isArray(pair) || pair.length !== 2 || pair[0] !== members[i]) {
      return "'addresses' must list the members, ascending";
    }
    const fault = addressFault(pair[1]);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/**
 * Encodes a configuration.
 *
 * @throws {TypeError} When it breaks a rule of {@link ClusterConfig}.
 */
export function encodeConfig(config: ClusterConfig): Uint8Array {
  const fault = configFault(config);
  if (fault !== undefined) throw new TypeError(`Cannot encode the configuration as ${fault}`);
  const texts = config.addresses.map(([id, address]) =>
    [encoder.encode(id), encoder.encode(address)] as const
  );
  const bytes = new Uint8Array(
    texts.reduce((sum, [id, address]) => sum + 4 + id.length + address.length, 4),
  );
  let at = 0;
  const u16 = (value: number) => {
    bytes[at++] = value & 0xff;
    bytes[at++] = value >>> 8;
  };
  bytes[at++] = VERSION;
  bytes[at++] = config.autoLeave ? AUTO_LEAVE : 0;
  u16(texts.length);
  const voters = new Set(config.voters);
  const outgoing = new Set(config.votersOutgoing);
  const learners = new Set(config.learners);
  const next = new Set(config.learnersNext);
  for (let i = 0; i < texts.length; i++) {
    const [id, address] = texts[i]!;
    const name = config.addresses[i]![0];
    bytes[at++] = id.length;
    bytes.set(id, at);
    at += id.length;
    u16(address.length);
    bytes.set(address, at);
    at += address.length;
    bytes[at++] = (voters.has(name) ? VOTER : 0) | (outgoing.has(name) ? OUTGOING : 0) |
      (learners.has(name) ? LEARNER : 0) | (next.has(name) ? LEARNER_NEXT : 0);
  }
  return bytes;
}

/**
 * Decodes a configuration, strictly: whatever decodes would encode to the same bytes.
 *
 * @throws {ConfigDecodeError} When the bytes are no configuration.
 */
export function decodeConfig(bytes: Uint8Array): ClusterConfig {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let at = 0;
  const need = (count: number) => {
    if (at + count > bytes.length) throw new ConfigDecodeError("The configuration is cut off");
  };
  const u8 = () => {
    need(1);
    return bytes[at++]!;
  };
  const u16 = () => u8() | (u8() << 8);
  const text = (length: number) => {
    need(length);
    try {
      return decoder.decode(bytes.subarray(at, at += length));
    } catch (cause) {
      throw new ConfigDecodeError("The configuration holds bytes that are no UTF-8", { cause });
    }
  };
  const version = u8();
  if (version !== VERSION) {
    throw new ConfigDecodeError(`The configuration has version ${version}, not ${VERSION}`);
  }
  const flags = u8();
  if (flags > AUTO_LEAVE) throw new ConfigDecodeError(`The configuration has flags ${flags}`);
  const voters: NodeId[] = [];
  const votersOutgoing: NodeId[] = [];
  const learners: NodeId[] = [];
  const learnersNext: NodeId[] = [];
  const addresses: (readonly [NodeId, string])[] = [];
  for (let rest = u16(); rest > 0; rest--) {
    const id = text(u8());
    addresses.push(Object.freeze([id, text(u16())] as const));
    const roles = u8();
    if (roles === 0 || roles > 15) throw new ConfigDecodeError(`${id} has roles ${roles}`);
    if (roles & VOTER) voters.push(id);
    if (roles & OUTGOING) votersOutgoing.push(id);
    if (roles & LEARNER) learners.push(id);
    if (roles & LEARNER_NEXT) learnersNext.push(id);
  }
  if (at !== bytes.length) throw new ConfigDecodeError("Bytes follow the configuration");
  const config = frozenConfig({
    voters,
    votersOutgoing,
    learners,
    learnersNext,
    autoLeave: flags === AUTO_LEAVE,
    addresses,
  });
  const fault = configFault(config);
  if (fault !== undefined) throw new ConfigDecodeError(`The configuration is illegal: ${fault}`);
  return config;
}

/** Freezes a configuration and its lists, which it takes over. */
export function frozenConfig(config: ClusterConfig): ClusterConfig {
  return Object.freeze({
    voters: Object.freeze(config.voters),
    votersOutgoing: Object.freeze(config.votersOutgoing),
    learners: Object.freeze(config.learners),
    learnersNext: Object.freeze(config.learnersNext),
    autoLeave: config.autoLeave,
    addresses: Object.freeze(config.addresses),
  });
}

function textFault(text: string, maxBytes: number, what: string): string | undefined {
  // A lone surrogate has no UTF-8: it would come back as another text.
  if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text)) {
    return `${what} must be well-formed`;
  }
  // A code unit takes three bytes at most: names of messages' senders, mostly short, are not encoded to see it.
  if (
    text.length * 3 > maxBytes &&
    (text.length > maxBytes || encoder.encode(text).length > maxBytes)
  ) {
    return `${what} can have ${maxBytes} bytes`;
  }
  return undefined;
}
