/**
 * The driver's end of a peer: a program that is told what to do on standard input, one JSON object a line, and answers on standard
 * output. `peer.ts` and `go/` are such programs; so is any other that speaks the protocol (`README.md`).
 *
 * @module
 */
import type { Peer } from "../shard/peer.ts";

/** Certificates for TLS between peers: paths of PEM files. */
export interface TlsFiles {
  /** The node's certificate. */
  readonly cert: string;
  /** Its private key. */
  readonly key: string;
  /** The authority that signed the certificates of the others. */
  readonly ca: string;
}

/** What a peer is asked. `node` says which one, of a program that runs many. */
export type PeerRequest =
  | { readonly do: "start"; readonly node?: string; readonly peers: readonly string[] }
  | { readonly do: "state"; readonly node?: string; readonly state: string }
  | { readonly do: "peers"; readonly node?: string }
  | ({ readonly do: "owners"; readonly node?: string } & OwnersQuery)
  | { readonly do: "agree"; readonly peers: readonly PeerClaim[]; readonly ms: number }
  | { readonly do: "stop" };

/** A lookup of many keys. */
export interface OwnersQuery {
  /** `ring`, `rendezvous` or `multiprobe`. */
  readonly algorithm: string;
  /** Tokens a node; `ring` only. */
  readonly tokens?: number;
  /** Owners a key. */
  readonly count: number;
  /** `read` or `readWrite`. */
  readonly op: string;
  /** The keys. */
  readonly keys: readonly string[];
}

/** What is expected of one peer in every peer list. */
export type PeerClaim = Pick<Peer, "name" | "addr" | "state">;

/** A peer's answer; the fields depend on the request. */
export interface PeerReply {
  readonly id: number;
  readonly ok?: boolean;
  readonly error?: string;
  readonly peers?: readonly Peer[];
  readonly owners?: readonly (readonly string[] | null)[];
}

/** A peer list and when it was reported, in wall milliseconds of the peer. */
export interface PeerView {
  readonly at: number;
  readonly peers: readonly Peer[];
}

/** A peer answered with an error. */
export class PeerError extends Error {
  /** For `switch` across realms. */
  override readonly name = "PeerError";
}

/** Options of {@link PeerProgram.spawn}. */
export interface SpawnOptions {
  /** Program and fixed arguments. */
  readonly command: readonly string[];
  /** Further arguments. */
  readonly args: readonly string[];
  /** Runs the program in this network namespace. */
  readonly netns?: string;
}

interface Waiter {
  readonly accepts: (view: PeerView) => boolean;
  readonly resolve: (view: PeerView) => void;
  readonly reject: (error: Error) => void;
}

const stderrKept = 1_000_000;
const stderrQuoted = 4_000;

/** One process that speaks the line protocol. */
export class PeerProgram {
  /** The process id. */
  readonly pid: number;
  /** Resolves with the exit code (128 + signal when killed) once the process is gone. */
  readonly exited: Promise<number>;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #replies = new Map<number, PromiseWithResolvers<PeerReply>>();
  readonly #waiters = new Set<Waiter>();
  #view: PeerView = { at: 0, peers: [] };
  #lastId = 0;
  #exitCode: number | undefined;
  #complaints = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.pid = child.pid;
    this.#input = child.stdin.getWriter();
    const reading = this.#readLines(child.stdout);
    const complaining = this.#readComplaints(child.stderr);
    this.exited = (async () => {
      const { code } = await child.status;
      this.#exitCode = code;
      await Promise.allSettled([reading, complaining]);
      this.#fail(this.#goneError());
      return code;
    })();
  }

  /** Starts the program. It ends, at the latest, when its standard input does: with this process. */
  static spawn(options: SpawnOptions): PeerProgram {
    const argv = [...options.command, ...options.args];
    if (options.netns !== undefined) argv.unshift("ip", "netns", "exec", options.netns);
    return new PeerProgram(
      new Deno.Command(argv[0]!, {
        args: argv.slice(1),
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
        env: { NO_COLOR: "1" },
      }).spawn(),
    );
  }

  /** The latest peer list that was reported unasked. */
  get view(): PeerView {
    return this.#view;
  }

  /** What the program wrote to standard error, the last of it. */
  get complaints(): string {
    return this.#complaints;
  }

  /**
   * Asks for something.
   *
   * @throws {PeerError} When the answer is an error, or the process ends before it answers.
   */
  async request(request: PeerRequest): Promise<PeerReply> {
    if (this.#exitCode !== undefined) throw this.#goneError();
    const id = ++this.#lastId;
    const reply = Promise.withResolvers<PeerReply>();
    this.#replies.set(id, reply);
    const line = new TextEncoder().encode(JSON.stringify({ id, ...request }) + "\n");
    // A closed pipe is reported by `exited`.
    this.#input.write(line).catch(() => {});
    const answer = await reply.promise;
    if (answer.error !== undefined) throw new PeerError(answer.error);
    return answer;
  }

  /**
   * Waits for a peer list: the latest one, or the next to come that is accepted.
   *
   * @throws {PeerError} When the process ends.
   * @throws The signal's reason when it is aborted.
   */
  until(accepts: (view: PeerView) => boolean, signal: AbortSignal): Promise<PeerView> {
    if (this.#exitCode !== undefined) return Promise.reject(this.#goneError());
    if (accepts(this.#view)) return Promise.resolve(this.#view);
    if (signal.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<PeerView>();
    const aborted = () => waiter.reject(signal.reason);
    const done = () => {
      this.#waiters.delete(waiter);
      signal.removeEventListener("abort", aborted);
    };
    const waiter: Waiter = {
      accepts,
      resolve: (view) => (done(), resolve(view)),
      reject: (error) => (done(), reject(error)),
    };
    this.#waiters.add(waiter);
    signal.addEventListener("abort", aborted);
    return promise;
  }

  /** Sends SIGKILL and waits for the end. Idempotent. */
  async kill(): Promise<void> {
    if (this.#exitCode === undefined) {
      try {
        this.#child.kill("SIGKILL");
      } catch {
        // It ended by itself meanwhile.
      }
    }
    await this.exited;
    await this.#input.abort().catch(() => {});
  }

  async #readLines(stdout: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let pending: string[] = [];
    for await (const chunk of stdout) {
      const parts = decoder.decode(chunk, { stream: true }).split("\n");
      for (const part of parts.slice(0, -1)) {
        const line = pending.join("") + part;
        pending = [];
        if (line !== "") this.#take(line);
      }
      pending.push(parts.at(-1)!);
    }
  }

  #take(line: string): void {
    let message: PeerReply & { event?: string; at?: number };
    try {
      message = JSON.parse(line);
    } catch {
      this.#complaints += `[on standard output, not JSON] ${line.slice(0, 200)}\n`;
      return;
    }
    if (message.event === "peers") {
      this.#view = { at: message.at ?? 0, peers: message.peers ?? [] };
      for (const waiter of [...this.#waiters]) {
        if (waiter.accepts(this.#view)) waiter.resolve(this.#view);
      }
      return;
    }
    const reply = this.#replies.get(message.id);
    this.#replies.delete(message.id);
    reply?.resolve(message);
  }

  async #readComplaints(stderr: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stderr) {
      this.#complaints = (this.#complaints + decoder.decode(chunk, { stream: true }))
        .slice(-stderrKept);
    }
  }

  #goneError(): PeerError {
    const said = this.#complaints.slice(-stderrQuoted).trim();
    return new PeerError(
      `the peer is gone (exit code ${this.#exitCode})${said && `; it said: ${said}`}`,
    );
  }

  #fail(error: PeerError): void {
    for (const reply of this.#replies.values()) reply.reject(error);
    this.#replies.clear();
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }
}
