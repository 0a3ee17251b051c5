/** One pending call. */
export interface Timer {
  /** The instant at which it is due. */
  readonly at: number;
}

class Entry implements Timer {
  readonly at: number;
  readonly order: number;
  fire: (() => void) | undefined;

  constructor(at: number, order: number, fire: () => void) {
    this.at = at;
    this.order = order;
    this.fire = fire;
  }
}

function precedes(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Pending calls by instant: a binary heap, ties in the order they were set. Cancelled ones stay until they reach the top. */
export class TimerQueue {
  #heap: Entry[] = [];
  #order = 0;
  #cancelled = 0;

  /** The earliest instant, `Infinity` when nothing is pending. */
  get deadline(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Calls `fire` at the first {@link run} at or after `at`. */
  set(at: number, fire: () => void): Timer {
    const entry = new Entry(at, this.#order++, fire);
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
    return entry;
  }

  /** Forgets a timer; one that fired or was cancelled already is ignored. */
  cancel(timer: Timer | undefined): void {
    if (!(timer instanceof Entry) || timer.fire === undefined) return;
    timer.fire = undefined;
    this.#cancelled++;
    if (this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) this.#sweep();
    this.#drop();
  }

  /** Fires everything due at `now`, in order, including what is set meanwhile for an instant that has passed. */
  run(now: number): void {
    for (let top = this.#heap[0]; top !== undefined && top.at <= now; top = this.#heap[0]) {
      this.#pop();
      const fire = top.fire;
      top.fire = undefined;
      if (fire === undefined) this.#cancelled--;
      else fire();
    }
    this.#drop();
  }

  // Invariant: outside this class the top of the heap is never a cancelled entry.
  #drop(): void {
    while (this.#heap[0] !== undefined && this.#heap[0].fire === undefined) {
      this.#pop();
      this.#cancelled--;
    }
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((entry) => entry.fire !== undefined)
      .sort((a, b) => precedes(a, b) ? -1 : 1);
    this.#cancelled = 0;
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(index: number): void {
    const heap = this.#heap;
    const entry = heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!precedes(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  #down(index: number): void {
    const heap = this.#heap;
    const entry = heap[index]!;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && precedes(heap[child + 1]!, heap[child]!)) child++;
      if (!precedes(heap[child]!, entry)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }
}
