/**
 * Clients that read and write without pause, whatever happens to the members, and write down what they asked and what they were told.
 *
 * @module
 */

/** One line of the history. */
export interface HistoryLine {
  readonly process: number;
  readonly type: "invoke" | "ok" | "fail" | "info";
  readonly f: "read" | "write" | "cas";
  readonly key: string;
  readonly value?: string | null | readonly [string | null, string];
  readonly result?: boolean;
  readonly time: number;
}

/** Options of {@link Load}. */
export interface LoadOptions {
  /** Where the members are reached. */
  readonly addrs: readonly string[];
  readonly clients: number;
  readonly keys: number;
  /** Pause between two operations of a client. */
  readonly pauseMs: number;
}

/** What an answer says. */
type Answer =
  | { readonly type: "ok"; readonly body: Record<string, unknown> }
  /** It did not happen and will not. */
  | { readonly type: "fail" }
  /** Nobody knows. */
  | { readonly type: "info" };

/** The clients. */
export class Load {
  /** Everything that was asked and told, in order. */
  readonly history: HistoryLine[] = [];
  /** Keys that are written once each, with what was acknowledged. */
  readonly ledger: Map<string, string> = new Map();
  /** When the last write was acknowledged. */
  acknowledgedAt = 0;
  acknowledged = 0;
  unknown = 0;
  readonly #options: LoadOptions;
  readonly #stop = new AbortController();
  #process = 0;
  #value = 0;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Begins. */
  start(): void {
    const { clients } = this.#options;
    this.#running = Promise.all(Array.from({ length: clients }, (_, n) => this.#client(n)));
  }

  /** Waits until every client has ended its last operation. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #client(n: number): Promise<void> {
    const { addrs, keys, pauseMs } = this.#options;
    let process = this.#process++;
    let addr = addrs[n % addrs.length]!;
    for (let turn = 0; !this.#stop.signal.aborted; turn++) {
      const known = turn % 5 === 4 ? await this.#once(addr, n, turn) : await this.#history(
        { process, addr, key: `k${Math.floor(Math.random() * keys)}`, turn },
      );
      // A client whose question was lost goes on as another one, and asks somebody else.
      if (known !== "ok") addr = addrs[Math.floor(Math.random() * addrs.length)]!;
      if (known === "info") process = this.#process++;
      await new Promise((resolve) => setTimeout(resolve, known === "ok" ? pauseMs : 20));
    }
  }

  /** Writes a key that nobody writes again. */
  async #once(addr: string, client: number, turn: number): Promise<Answer["type"]> {
    const key = `once-${client}-${turn}`;
    const value = `${++this.#value}`;
    const answer = await ask(addr, `/kv/${key}`, { method: "PUT", body: value });
    if (answer.type === "ok") {
      this.ledger.set(key, value);
      this.#told();
    }
    // It is in no history: that it is unknown retires nobody.
    return answer.type === "info" ? "fail" : answer.type;
  }

  async #history(
    { process, addr, key, turn }: { process: number; addr: string; key: string; turn: number },
  ): Promise<Answer["type"]> {
    const kind = turn % 5;
    if (kind < 2) return await this.#read(process, addr, key);
    const value = `${++this.#value}`;
    if (kind === 2) {
      const answer = await this.#record(
        { process, f: "write", key, value },
        () => ask(addr, `/kv/${key}`, { method: "PUT", body: value }),
      );
      return answer.type;
    }
    const seen = await ask(addr, `/kv/${key}?stale=1`);
    if (seen.type !== "ok") return "fail";
    const expect = seen.body.value as string | null;
    const answer = await this.#record(
      { process, f: "cas", key, value: [expect, value] },
      () =>
        ask(addr, `/kv/${key}/cas`, { method: "POST", body: JSON.stringify({ expect, value }) }),
    );
    return answer.type;
  }

  async #read(process: number, addr: string, key: string): Promise<Answer["type"]> {
    this.#line({ process, type: "invoke", f: "read", key });
    const answer = await ask(addr, `/kv/${key}`);
    // A read without an answer changed nothing.
    const type = answer.type === "ok" ? "ok" : "fail";
    this.#line({
      process,
      type,
      f: "read",
      key,
      ...(answer.type === "ok" && { value: answer.body.value as string | null }),
    });
    return type;
  }

  async #record(
    event: Omit<HistoryLine, "type" | "time">,
    run: () => Promise<Answer>,
  ): Promise<Answer> {
    this.#line({ ...event, type: "invoke" });
    const answer = await run();
    this.#line({
      ...event,
      type: answer.type,
      ...(answer.type === "ok" && event.f === "cas" && { result: answer.body.ok as boolean }),
    });
    if (answer.type === "ok") this.#told();
    if (answer.type === "info") this.unknown++;
    return answer;
  }

  #told(): void {
    this.acknowledged++;
    this.acknowledgedAt = performance.now();
  }

  #line(line: Omit<HistoryLine, "time">): void {
    this.history.push({ ...line, time: Math.round(performance.now() * 1_000) });
  }
}

/** Asks a member, following its redirections. What never reached anybody did not happen. */
async function ask(addr: string, path: string, init: RequestInit = {}): Promise<Answer> {
  let url = `http://${addr}${path}`;
  for (let hop = 0; hop < 4; hop++) {
    let response: Response;
    try {
      response = await fetch(url, {
        ...init,
        redirect: "manual",
        signal: AbortSignal.timeout(4_000),
      });
    } catch (error) {
      return { type: String(error).includes("refused") ? "fail" : "info" };
    }
    try {
      if (response.status === 307) {
        await response.body?.cancel();
        url = response.headers.get("location")!;
        continue;
      }
      const body = await response.json();
      if (response.status === 200) return { type: "ok", body };
      return { type: body.outcome === "unknown" ? "info" : "fail" };
    } catch {
      return { type: "info" };
    }
  }
  return { type: "fail" }; // the members do not agree yet on who leads
}
