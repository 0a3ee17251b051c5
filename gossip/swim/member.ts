import type { Address } from "../strategy.ts";
import { sameBytes } from "./address.ts";
import { generationOf, generationTag } from "./generation.ts";
import type { NodeState } from "./messages.ts";
import type { Suspicion } from "./suspicion.ts";

/** Believed alive. */
export const ALIVE = 0 satisfies NodeState;
/** Suspected; still a peer. */
export const SUSPECT = 1 satisfies NodeState;
/** Declared dead. */
export const DEAD = 2 satisfies NodeState;
/** Left on purpose. */
export const LEFT = 3 satisfies NodeState;

export { VERSIONS } from "./wire/versions.ts";

/** UTF-16 units in the longest name that is taken up. */
export const MAX_NAME_LENGTH = 1024;

/** One node as this one knows it. Owned and changed by the core alone. */
export interface Member {
  readonly name: string;
  /** 4 or 16 bytes. */
  addr: Uint8Array;
  port: number;
  /** `addr` and `port` as text. */
  address: Address;
  /** The metadata, unless it is a generation: see {@link metaOf}. */
  otherMeta: Uint8Array | undefined;
  /** What the metadata says. */
  generation: number | undefined;
  /** Six bytes. */
  vsn: Uint8Array;
  incarnation: number;
  state: NodeState;
  /** Instant of the last change of `state`. */
  changedAt: number;
  /** Suspicions and deaths up to this incarnation speak of a former life that a newer generation evicted; −1: none did. */
  formerIncarnation: number;
  suspicion: Suspicion | undefined;
  /** Where it stands in the table's list. Owned by the table. */
  index: number;
}

/** Whether a node in this state is a peer. */
export function isPeer(state: NodeState): boolean {
  return state === ALIVE || state === SUSPECT;
}

/** A member's metadata. A generation is kept as a number: a typed array of 11 bytes costs more than the rest of a record. */
export function metaOf(member: Member): Uint8Array | undefined {
  return member.generation === undefined ? member.otherMeta : generationTag(member.generation);
}

/** Takes over metadata; whether they differ from those before. */
export function changeMeta(member: Member, meta: Uint8Array | undefined): boolean {
  if (hasMeta(member, meta)) return false;
  member.generation = generationOf(meta);
  member.otherMeta = member.generation === undefined ? meta : undefined;
  return true;
}

/** Whether a member has these metadata. */
export function hasMeta(member: Member, meta: Uint8Array | undefined): boolean {
  const generation = generationOf(meta);
  return generation === member.generation &&
    (generation !== undefined || sameBytes(meta, member.otherMeta));
}
