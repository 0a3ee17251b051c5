/**
 * Majorities of one set of voters, and of two while joint (§6): a joint decision needs both halves, and an empty half decides nothing.
 *
 * @module
 */

/** What a vote has come to. */
export type VoteResult = "won" | "lost" | "pending";

/**
 * The largest value that a majority of `values[0 … count)` has reached: the ⌈(count + 1) / 2⌉-th largest. `Infinity` for none, so that
 * `Math.min` joins halves. Reorders `values`.
 *
 * Sorts by insertion, which for groups of up to seven is faster than a native sort.
 */
export function majorityValue(values: number[] | Float64Array, count: number): number {
  if (count === 0) return Infinity;
  for (let i = 1; i < count; i++) {
    const value = values[i]!;
    let j = i - 1;
    for (; j >= 0 && values[j]! > value; j--) values[j + 1] = values[j]!;
    values[j + 1] = value;
  }
  // Ascending: `count - majority` values stand below the one that a majority has reached.
  return values[count - (count >> 1) - 1]!;
}

/** Counts a majority's vote: won with ⌊n/2⌋ + 1 grants, lost once those missing cannot make it. An empty half is won. */
export function majorityVote(
  voters: readonly string[],
  votes: ReadonlyMap<string, boolean>,
): VoteResult {
  if (voters.length === 0) return "won";
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const needed = (voters.length >> 1) + 1;
  if (granted >= needed) return "won";
  return granted + missing >= needed ? "pending" : "lost";
}

/** Joins both halves: lost if either is, won if both are. */
export function jointVote(
  voters: readonly string[],
  votersOutgoing: readonly string[],
  votes: ReadonlyMap<string, boolean>,
): VoteResult {
  const incoming = majorityVote(voters, votes);
  const outgoing = majorityVote(votersOutgoing, votes);
  if (incoming === outgoing) return incoming;
  return incoming === "lost" || outgoing === "lost" ? "lost" : "pending";
}
