import type { Turn } from "./turn.ts";

/** Acknowledgements waited for at a time; beyond it nothing more is promised to others. */
const MAX_PENDING = 2048;

/** Sequence numbers, and what to do when each is acknowledged. */
export class Acks {
  readonly #pending = new Map<number, () => void>();
  #seqNo = 0;

  /** Whether one more can be waited for. */
  get hasRoom(): boolean {
    return this.#pending.size < MAX_PENDING;
  }

  /** Waits for the acknowledgement of a new sequence number. */
  expect(acked: () => void): number {
    do this.#seqNo = (this.#seqNo + 1) >>> 0; while (this.#pending.has(this.#seqNo));
    this.#pending.set(this.#seqNo, acked);
    return this.#seqNo;
  }

  /** Waits for one no longer. */
  forget(seqNo: number): void {
    this.#pending.delete(seqNo);
  }

  /** The first acknowledgement wins; others are ignored. */
  acked(seqNo: number): void {
    const acked = this.#pending.get(seqNo);
    if (acked === undefined) return;
    this.#pending.delete(seqNo);
    acked();
  }

  /** Calls `acked` when the number is acknowledged in time, else `silent`. */
  expectWithin(
    ms: number,
    options: { readonly turn: Turn; readonly acked: () => void; readonly silent?: () => void },
  ): number {
    const { turn, acked, silent } = options;
    const seqNo = this.expect(() => {
      turn.timers.cancel(timer);
      acked();
    });
    const timer = turn.timers.set(turn.now + ms, () => {
      this.forget(seqNo);
      silent?.();
    });
    return seqNo;
  }
}
