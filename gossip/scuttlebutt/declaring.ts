import type { PeerState } from "../../shard/peer.ts";
import type { Self } from "./self.ts";
import type { NodeTable } from "./table.ts";
import type { Turn } from "./turn.ts";

const STATES: readonly PeerState[] = Object.freeze(["viewer", "participant", "terminating"]);

/** What {@link Declaring} works on. */
export interface DeclaringOptions {
  readonly turn: Turn;
  readonly self: Self;
  readonly table: NodeTable;
}

/** Declares states, each an internal entry, and waits for a peer to know of it. */
export class Declaring {
  readonly #parts: DeclaringOptions;
  #declared: { readonly operation: number; readonly version: number }[] = [];

  /** Works on the parts of one core. */
  constructor(options: DeclaringOptions) {
    this.#parts = options;
  }

  /** Declares the next state, or fails the operation. */
  declare(operation: number, state: PeerState): void {
    const { turn, self, table } = this.#parts;
    const { record } = self;
    if (record.left || STATES.indexOf(state) !== STATES.indexOf(record.state) + 1) {
      const error = record.left
        ? "Cannot change the state as the node has left"
        : `Cannot change the state as only viewer to participant and participant to terminating are allowed: current value is ${record.state} to ${state}`;
      return turn.emit({ type: "failed", operation, cause: "illegalState", error });
    }
    const version = self.declare(state);
    table.list(record);
    this.#declared.push({ operation, version });
  }

  /** Ends the state changes that a peer knows of, or that nobody is there to hear of. */
  confirm(): void {
    if (this.#declared.length === 0) return;
    const { turn, self, table } = this.#parts;
    const alone = self.record.left ||
      ![...table.records].some((record) => table.isLive(record));
    this.#declared = this.#declared.filter(({ operation, version }) => {
      if (!alone && version > self.confirmed) return true;
      turn.emit({ type: "done", operation, count: 0 });
      return false;
    });
  }
}
