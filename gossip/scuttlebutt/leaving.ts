import type { NodeRecord } from "./record.ts";
import { shuffle } from "./rotation.ts";
import type { Streams } from "./streams.ts";
import type { Turn } from "./turn.ts";

/** How many peers are told. */
const ENOUGH = 3;

/** What {@link Leaving} works on. */
export interface LeavingOptions {
  readonly turn: Turn;
  readonly streams: Streams;
  /** Limit of one goodbye; all together may take twice as long. */
  readonly streamTimeoutMs: number;
}

interface Call {
  readonly operation: number;
  readonly candidates: NodeRecord[];
  readonly until: number;
  active: number;
  acked: number;
  attempted: number;
  reason: string;
}

/** Says goodbye: to three peers at once, and to another one for each that cannot be told. */
export class Leaving {
  readonly #parts: LeavingOptions;
  readonly #calls = new Set<Call>();

  /** Works on the parts of one core. */
  constructor(options: LeavingOptions) {
    this.#parts = options;
  }

  /** Tells up to three of `peers`. */
  leave(operation: number, peers: readonly NodeRecord[]): void {
    const { turn, streamTimeoutMs } = this.#parts;
    const call: Call = {
      operation,
      candidates: shuffle([...peers], turn),
      until: turn.now + 2 * streamTimeoutMs,
      active: 0,
      acked: 0,
      attempted: 0,
      reason: "",
    };
    this.#calls.add(call);
    this.#goOn(call);
  }

  /** A round begins: whatever took too long ends. */
  round(): void {
    for (const call of [...this.#calls]) {
      if (call.until <= this.#parts.turn.now) this.#end(call, "timeout");
    }
  }

  #goOn(call: Call): void {
    while (call.active + call.acked < ENOUGH && call.candidates.length > 0) {
      call.active++;
      call.attempted++;
      this.#parts.streams.begin("leave", call.candidates.pop()!.addr, (result) => {
        call.active--;
        if (result.type === "answered") call.acked++;
        else if (result.type === "failed") call.reason = result.reason;
        if (this.#calls.has(call)) this.#goOn(call);
      });
    }
    if (call.active === 0) this.#end(call, "unreachable");
  }

  #end(call: Call, cause: "unreachable" | "timeout"): void {
    const { turn } = this.#parts;
    const { operation, acked: count, attempted } = call;
    this.#calls.delete(call);
    if (count > 0 || attempted === 0) return turn.emit({ type: "done", operation, count });
    const error = `None of ${attempted} peers could be told that this node leaves: ${call.reason}`;
    turn.emit({ type: "failed", operation, cause, error, attempted });
  }
}
