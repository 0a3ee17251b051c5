/** A node to place keys on, with what matters for its share. */
export interface NodeSpec {
  /** Unique name: the identity that is hashed. */
  readonly name: string;
  /**
   * Share of keys relative to a node of weight 1. More than 0, at most 1,000. `ring` scales the number of tokens with it,
   * `rendezvous` the score; the other algorithms take nodes of weight 1 only. @default {1}
   */
  readonly weight?: number;
  /** Failure domain (rack, availability zone). A node without one is a zone of its own. @default {undefined} */
  readonly zone?: string;
}

/** A node: its name, or its name with weight and zone. */
export type Node = string | NodeSpec;
