/**
 * The gate that keeps the first pod from getting the whole workload: wait until the cluster has a size, once.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
import { StoppedError } from "./errors.ts";
import type { NodeAdmission } from "./events.ts";

/** Options of {@link Admission}. */
export interface AdmissionOptions {
  /** How many members, self included, the node must see before it is admitted. At least 1. */
  readonly minClusterSize: number;
  /** After how long the node is admitted all the same, counted from {@link Admission.begin}; `undefined`: never. */
  readonly waitTimeoutMs: number | undefined;
  /** Measures the wait. */
  readonly clock: Clock;
  /** Called once, when the node is admitted. */
  readonly onAdmitted: (admission: NodeAdmission) => void;
}

/** The first admission of one node. Losing members later does not take it back. */
export class Admission {
  /** Resolves when the node is admitted; rejects with {@link StoppedError} when it is stopped before. */
  readonly ready: Promise<void>;
  readonly #options: AdmissionOptions;
  #resolve!: () => void;
  #reject!: (error: Error) => void;
  #size = 1;
  #state: "idle" | "waiting" | "admitted" | "closed" = "idle";
  #cancel: () => void = () => {};

  /** Creates a closed gate. */
  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ready.catch(() => {}); // nobody has to wait
  }

  /** Whether the node was admitted. */
  get admitted(): boolean {
    return this.#state === "admitted";
  }

  /** The node was started: from now on it waits. */
  begin(): void {
    if (this.#state !== "idle") return;
    this.#state = "waiting";
    const { clock, waitTimeoutMs } = this.#options;
    if (this.#size < this.#options.minClusterSize && waitTimeoutMs !== undefined) {
      this.#cancel = clock.setTimer(waitTimeoutMs, () => this.#admit(true));
    }
    this.update(this.#size);
  }

  /** The node sees `size` members. */
  update(size: number): void {
    this.#size = size;
    if (this.#state === "waiting" && size >= this.#options.minClusterSize) this.#admit(false);
  }

  /** The node is being stopped: nobody is admitted any more. */
  close(): void {
    if (this.#state === "admitted" || this.#state === "closed") return;
    this.#state = "closed";
    this.#cancel();
    this.#reject(new StoppedError("wait for admission"));
  }

  #admit(timedOut: boolean): void {
    if (this.#state !== "waiting") return;
    this.#state = "admitted";
    this.#cancel();
    this.#resolve();
    this.#options.onAdmitted(Object.freeze({ size: this.#size, timedOut }));
  }
}
