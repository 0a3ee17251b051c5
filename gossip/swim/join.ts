import type { Address } from "../strategy.ts";
import type { Turn } from "./turn.ts";

const MAX_REASONS = 8;

/** One join: some addresses, a few dialled at a time. */
export class Join {
  readonly #operation: number;
  readonly #turn: Turn;
  readonly #waiting = new Set<Address>();
  readonly #reasons: string[] = [];
  #dialling = 0;
  #failed = 0;
  #joined = 0;

  /** Prepares a join of several addresses. */
  constructor(operation: number, turn: Turn) {
    this.#operation = operation;
    this.#turn = turn;
  }

  /** Adds an address to dial. */
  add(address: Address): void {
    this.#waiting.add(address);
  }

  /** The next address to dial, if another may be dialled now. */
  next(concurrency: number): Address | undefined {
    if (this.#dialling >= concurrency) return undefined;
    const [address] = this.#waiting;
    if (address === undefined) return undefined;
    this.#waiting.delete(address);
    this.#dialling++;
    return address;
  }

  /** An address that was dialled answered, or why not. */
  ended(address: Address, reason: string | undefined): void {
    this.#dialling--;
    if (reason === undefined) this.#joined++;
    else this.failed(address, reason);
  }

  /** An address cannot be joined through. */
  failed(address: Address, reason: string): void {
    this.#failed++;
    if (this.#reasons.length < MAX_REASONS) this.#reasons.push(`${address}: ${reason}`);
  }

  /** Ends the operation once nothing is under way. */
  settle(): void {
    if (this.#dialling > 0 || this.#waiting.size > 0) return;
    const operation = this.#operation;
    if (this.#joined > 0 || this.#failed === 0) {
      return this.#turn.emit({ type: "done", operation, count: this.#joined });
    }
    const more = this.#failed - this.#reasons.length;
    const error = this.#reasons.join("; ") + (more > 0 ? `; and ${more} more` : "");
    this.#turn.emit({ type: "failed", operation, cause: "unreachable", error });
  }
}
