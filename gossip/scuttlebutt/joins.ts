import type { Address, AddressFailure } from "../strategy.ts";
import { shuffle } from "./rotation.ts";
import type { StreamResult, Streams } from "./streams.ts";
import type { Turn } from "./turn.ts";

/** Streams of one join at once. */
const CONCURRENCY = 4;
/** Successes after which the other addresses only get a packet. */
const ENOUGH = 3;
/** Such packets a round. */
const PACED = 10;
/** Addresses that were joined and are kept. */
const MAX_SEEDS = 256;

/** What {@link Joins} works on. */
export interface JoinsOptions {
  readonly turn: Turn;
  readonly streams: Streams;
  /** The own address. */
  readonly own: Address;
  /** Begins an exchange by packets. */
  readonly syn: (to: Address) => void;
}

interface Call {
  readonly operation: number;
  /** Places of the addresses still to be tried, the next one last. */
  readonly queue: number[];
  readonly addresses: readonly Address[];
  readonly ids: (string | undefined)[];
  readonly failures: AddressFailure[];
  readonly retried: Set<number>;
  waiting: { readonly at: number; readonly place: number }[];
  active: number;
  successes: number;
  ended: boolean;
}

/** The joins under way, and the addresses that were joined once: where to look again when nobody is left. */
export class Joins {
  readonly #parts: JoinsOptions;
  readonly #calls = new Set<Call>();
  readonly #seeds = new Set<Address>();
  #paced: Address[] = [];

  /** Works on the parts of one core. */
  constructor(options: JoinsOptions) {
    this.#parts = options;
  }

  /** Addresses that were joined once. */
  get seeds(): readonly Address[] {
    return [...this.#seeds];
  }

  /** Joins through `addresses`: at most four at once in random order, until three answered. */
  join(operation: number, addresses: readonly Address[]): void {
    const { turn, own } = this.#parts;
    const others = [...new Set(addresses)].filter((address) => address !== own);
    const call: Call = {
      operation,
      addresses: others,
      queue: shuffle(others.map((_, i) => i), turn),
      ids: [],
      failures: [],
      retried: new Set(),
      waiting: [],
      active: 0,
      successes: 0,
      ended: false,
    };
    for (const address of others) this.#keep(address);
    this.#calls.add(call);
    this.#goOn(call);
  }

  /** A round begins: tries those again that had no time, and greets some of those that were left out. */
  round(): void {
    const { turn, syn } = this.#parts;
    for (const call of [...this.#calls]) {
      const due = call.waiting.filter(({ at }) => at <= turn.now);
      if (due.length === 0) continue;
      call.waiting = call.waiting.filter(({ at }) => at > turn.now);
      for (const { place } of due) this.#begin(call, place);
    }
    for (const address of this.#paced.splice(0, PACED)) syn(address);
  }

  /** The node leaves: whatever is under way comes to nothing. */
  stop(): void {
    this.#paced = [];
    for (const call of [...this.#calls]) this.#end(call, "the node leaves");
  }

  #goOn(call: Call): void {
    while (call.active < CONCURRENCY && call.successes < ENOUGH && call.queue.length > 0) {
      this.#begin(call, call.queue.pop()!);
    }
    if (call.successes >= ENOUGH) {
      const rest = [...call.queue.splice(0), ...call.waiting.map(({ place }) => place)];
      this.#paced.push(...rest.map((place) => call.addresses[place]!));
      this.#end(call);
    } else if (call.active + call.waiting.length === 0) this.#end(call);
  }

  #begin(call: Call, place: number): void {
    const address = call.addresses[place]!;
    call.active++;
    this.#parts.streams.begin("join", address, (result) => {
      call.active--;
      this.#take(call, place, result);
      if (!call.ended) this.#goOn(call);
    });
  }

  #take(call: Call, place: number, result: StreamResult): void {
    const { turn } = this.#parts;
    switch (result.type) {
      case "answered":
        call.successes++;
        call.ids[place] = result.id;
        break;
      case "self":
        break;
      case "overloaded":
        if (!call.retried.has(place) && !call.ended) {
          call.retried.add(place);
          const at = turn.now + result.retryMs * (0.5 + turn.random());
          call.waiting.push({ at, place });
          break;
        }
        call.failures.push(failure(call, place, "overloaded", "overloaded"));
        break;
      case "failed":
        call.failures.push(failure(call, place, result.cause, result.reason));
        break;
      default:
        result satisfies never;
    }
  }

  #end(call: Call, why?: string): void {
    if (call.ended) return;
    call.ended = true;
    this.#calls.delete(call);
    const { operation, successes, failures } = call;
    const { turn } = this.#parts;
    if (successes > 0 || (failures.length === 0 && why === undefined)) {
      const names = Object.freeze([...new Set(call.ids.filter((id) => id !== undefined))]);
      return turn.emit({ type: "done", operation, count: successes, names });
    }
    const error = failures.map(({ address, reason }) => `${address}: ${reason}`).join("; ") || why!;
    turn.emit({
      type: "failed",
      operation,
      cause: "unreachable",
      error,
      failures: Object.freeze([...failures]),
    });
  }

  #keep(address: Address): void {
    this.#seeds.delete(address);
    this.#seeds.add(address);
    if (this.#seeds.size <= MAX_SEEDS) return;
    for (const oldest of this.#seeds) {
      this.#seeds.delete(oldest);
      break;
    }
  }
}

function failure(
  call: Call,
  place: number,
  cause: AddressFailure["cause"],
  reason: string,
): AddressFailure {
  return Object.freeze({ address: call.addresses[place]!, cause, reason });
}
