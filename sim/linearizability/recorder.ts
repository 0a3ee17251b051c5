import type { HistoryEvent } from "./history.ts";
import type { Argument, OperationKind, Result, Value } from "./operation.ts";

/** An operation under way in a {@link Recorder}. */
export interface Recording {
  /** Position of the invocation in the history: the operation's id. */
  readonly id: number;
  /** It answered: of reads the value, of `cas` whether it replaced, of `append` the new value or nothing, of `write` nothing. */
  ok(time: number, result?: Result): void;
  /** It certainly did not and will not take effect. */
  fail(time: number): void;
  /** Nobody knows (timeout, lost leadership): its client goes on as a new process. */
  unknown(time: number): void;
}

/** Writes a history down while clients run. Numbers processes, so that a client with an unknown operation continues as a new one. */
export class Recorder {
  readonly #events: HistoryEvent[] = [];
  readonly #processes = new Map<string | number, number>();
  #nextProcess = 0;

  /** All events so far, in order. */
  get events(): readonly HistoryEvent[] {
    return this.#events;
  }

  /** Notes that `client`, which has no other operation under way, asks. */
  invoke(
    client: string | number,
    f: OperationKind,
    key: string,
    argument: Argument,
    time: number,
  ): Recording {
    const process = this.#processes.get(client) ?? this.#nextProcess++;
    this.#processes.set(client, process);
    const id = this.#events.length;
    const common = { process, f, key };
    this.#events.push({ ...common, type: "invoke", value: argument, time });
    const returned = (event: Omit<HistoryEvent, "process" | "f" | "key">) => {
      this.#events.push({ ...common, ...event });
    };
    return {
      id,
      ok(time, result) {
        if (f === "cas" || f === "append") {
          const said = result === undefined ? {} : { result };
          returned({ type: "ok", value: argument, time, ...said });
        } else {
          returned({ type: "ok", value: f === "write" ? argument : result as Value, time });
        }
      },
      fail: (time) => returned({ type: "fail", value: argument, time }),
      unknown: (time) => {
        this.#processes.delete(client);
        returned({ type: "info", value: argument, time });
      },
    };
  }
}
