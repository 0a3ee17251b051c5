/**
 * Members as processes, for the demo.
 *
 * @module
 */

/** What a member says of itself. */
export interface MemberStatus {
  readonly role: string;
  readonly term: number;
  readonly leader?: { readonly id: string };
  readonly lastIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly snapshot?: { readonly index: number };
}

/** How to start a member. */
export interface MemberKind {
  /** `deno`, `bun`, `node`. */
  readonly runtime: string;
  /** The executable and its arguments, without those of the member. */
  readonly command: readonly string[];
}

/** One process. */
export class Member {
  readonly id: string;
  readonly addr: string;
  readonly runtime: string;
  readonly #command: readonly string[];
  #child: Deno.ChildProcess | undefined;
  /** The end of what it said on standard error. */
  complaints = "";

  constructor(kind: MemberKind, id: string, addr: string, args: readonly string[]) {
    this.id = id;
    this.addr = addr;
    this.runtime = kind.runtime;
    this.#command = [...kind.command, "--id", id, "--addr", addr, ...args];
  }

  /** Whether the process was started and not ended. */
  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Starts the process. */
  start(): void {
    const child = new Deno.Command(this.#command[0]!, {
      args: this.#command.slice(1),
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    void this.#listen(child);
  }

  /** Ends it without a word: `kill -9`. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Lets it hand over, close its files and end. */
  async stop(): Promise<void> {
    const child = this.#child;
    const late = setTimeout(() => child?.kill("SIGKILL"), 5_000);
    await this.#end("SIGINT");
    clearTimeout(late);
  }

  /** What it says of itself; `undefined` when it does not answer. */
  async status(): Promise<MemberStatus | undefined> {
    try {
      const signal = AbortSignal.timeout(1_000);
      return await (await fetch(`http://${this.addr}/status`, { signal })).json();
    } catch {
      return undefined;
    }
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
    await child.status;
  }

  async #listen(child: Deno.ChildProcess): Promise<void> {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      this.complaints = (this.complaints + text).slice(-4_000);
    }
  }
}
