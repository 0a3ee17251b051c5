/** One replacement in one source file of the protocol. */
export interface Patch {
  /** Path below `gossip/`, or `raft/` for a bug of Raft. */
  readonly file: string;
  /** Text that occurs there exactly once. */
  readonly search: string;
  /** What takes its place. */
  readonly replace: string;
}

/** A bug that is planted into a copy of the protocol, to see whether the simulator finds it. */
export interface PlantedBug {
  /** Its name, kebab-case. */
  readonly name: string;
  /** What is wrong, one sentence. */
  readonly what: string;
  /** The invariant expected to tell; others may be first. */
  readonly caughtBy: readonly string[];
  /** How it is planted. */
  readonly patches: readonly Patch[];
}

/**
 * Applies a patch.
 *
 * @throws {RangeError} When the text does not occur exactly once: the source has moved on, and the bug has to follow.
 */
export function patched(source: string, patch: Patch): string {
  const first = source.indexOf(patch.search);
  if (first < 0 || source.indexOf(patch.search, first + 1) >= 0) {
    throw new RangeError(
      `Cannot plant a bug in ${patch.file} as the text must occur exactly once: current value is ${
        JSON.stringify(patch.search)
      }`,
    );
  }
  return source.slice(0, first) + patch.replace + source.slice(first + patch.search.length);
}
