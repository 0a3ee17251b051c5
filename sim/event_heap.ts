/** What an event does. An object rather than a function: one allocation an event. */
export interface Task {
  /** Does it. */
  run(): void;
}

/** One event to come. */
export interface Scheduled {
  /** Instant, microseconds. */
  readonly at: number;
  /** Orders events of one instant. */
  readonly sequence: number;
}

class Entry implements Scheduled {
  readonly at: number;
  readonly sequence: number;
  task: Task;

  constructor(at: number, sequence: number, task: Task) {
    this.at = at;
    this.sequence = sequence;
    this.task = task;
  }
}

/** Stands for what was taken back or happened. */
const NOTHING: Task = Object.freeze({ run: () => {} });

function precedes(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}

/** Events in the order of (time, sequence): a binary heap. Cancelled ones are skipped when they come up. */
export class EventHeap {
  #heap: Entry[] = [];
  #sequence = 0;
  #cancelled = 0;
  #at = 0;

  /** Events to come. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  /** Adds an event. */
  add(at: number, task: Task): Scheduled {
    const entry = new Entry(at, this.#sequence++, task);
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      // It came last: among those of one instant it stays below.
      if (at >= heap[parent]!.at) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
    return entry;
  }

  /** Takes an event back; one that happened or was taken back already is ignored. */
  cancel(scheduled: Scheduled): void {
    if (!(scheduled instanceof Entry) || scheduled.task === NOTHING) return;
    scheduled.task = NOTHING;
    this.#cancelled++;
    if (this.#cancelled > 1024 && this.#cancelled * 2 > this.#heap.length) this.#sweep();
  }

  /** The instant of the event that was taken last. */
  get at(): number {
    return this.#at;
  }

  /** Removes the first event at or before `until`; `undefined` when there is none. */
  take(until: number): Task | undefined {
    for (let top = this.#heap[0]; top !== undefined && top.at <= until; top = this.#heap[0]) {
      this.#pop();
      if (top.task === NOTHING) this.#cancelled--;
      else {
        const { task } = top;
        top.task = NOTHING;
        this.#at = top.at;
        return task;
      }
    }
    return undefined;
  }

  #sweep(): void {
    this.#heap = this.#heap.filter(({ task }) => task !== NOTHING)
      .sort((a, b) => precedes(a, b) ? -1 : 1);
    this.#cancelled = 0;
  }

  #pop(): void {
    const heap = this.#heap;
    const entry = heap.pop()!;
    const { length } = heap;
    if (length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= length) break;
      if (child + 1 < length && precedes(heap[child + 1]!, heap[child]!)) child++;
      if (!precedes(heap[child]!, entry)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }
}
