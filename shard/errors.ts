/**
 * Thrown by a lookup that asks for more owners than there are eligible nodes. Nothing changed; ask for fewer, or later.
 */
export class NotEnoughNodesError extends Error {
  /** Always `"NotEnoughNodesError"`. */
  override readonly name = "NotEnoughNodesError";
  /** How many owners were asked for. */
  readonly need: number;
  /** How many nodes could own the key. */
  readonly have: number;

  /**
   * Creates the error; its text is ckit's.
   *
   * @param need How many owners were asked for.
   * @param have How many nodes could own the key.
   */
  constructor(need: number, have: number) {
    super(`not enough nodes: need at least ${need}, have ${have}`);
    this.need = need;
    this.have = have;
  }
}
