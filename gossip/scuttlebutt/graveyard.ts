/** One removed life. */
export interface Grave {
  readonly generation: number;
  readonly heartbeat: number;
  readonly left: boolean;
  readonly until: number;
}

/** What shows a sign of life. */
export interface Sign {
  readonly id: string;
  readonly generation: number;
  readonly heartbeat: number;
}

/**
 * Lives that were removed, so that old news of them teaches nobody again. A life returns with a greater generation, or with a greater
 * heartbeat unless it left. As a dead node's heartbeat is bounded, so is its number of returns.
 */
export class Graveyard {
  readonly #graves = new Map<string, Grave>();
  readonly #maxGraves: number;

  /** Remembers at most so many, the latest. */
  constructor(maxGraves: number) {
    this.#maxGraves = maxGraves;
  }

  /** Lives remembered. */
  get size(): number {
    return this.#graves.size;
  }

  /** Remembers a removed life. */
  bury(id: string, grave: Grave): void {
    this.#graves.delete(id);
    this.#graves.set(id, grave);
    if (this.#graves.size <= this.#maxGraves) return;
    for (const oldest of this.#graves.keys()) {
      this.#graves.delete(oldest);
      break;
    }
  }

  /** Whether this is no sign of new life. */
  suppresses(sign: Sign): boolean {
    const grave = this.#graves.get(sign.id);
    if (grave === undefined || sign.generation > grave.generation) return false;
    if (sign.generation < grave.generation || grave.left) return true;
    return sign.heartbeat <= grave.heartbeat;
  }

  /** Which life of an id is remembered. */
  generationOf(id: string): number | undefined {
    return this.#graves.get(id)?.generation;
  }

  /** Forgets one: it lives again. */
  open(id: string): void {
    this.#graves.delete(id);
  }

  /** Forgets those that are old enough. */
  prune(clock: number): void {
    for (const [id, { until }] of this.#graves) if (until <= clock) this.#graves.delete(id);
  }
}
