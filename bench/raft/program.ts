/** The driver's end of one node. See `line_protocol.ts`. */
import { TextLineStream } from "../peers/lines.ts";
import type { NodeFlags, NodeRequest, ReplyTo } from "./line_protocol.ts";

/** A node answered with an error, or died. */
export class NodeError extends Error {
  override readonly name: string = "NodeError";
  /** Whether it never does what it was asked. */
  get unsupported(): boolean {
    return this.message.startsWith("unsupported");
  }
}

const STOP_MS = 5_000;
const STDERR_KEPT = 4_000;

/** One process. */
export class NodeProgram {
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #replies = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  readonly #reading: Promise<unknown>;
  #lastId = 0;
  #complaints = "";
  #gone = false;

  constructor(command: readonly string[], flags: NodeFlags) {
    const [program, ...args] = command;
    this.name = flags.name;
    this.#child = new Deno.Command(program!, {
      args: [
        ...args,
        ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`]),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = Promise.allSettled([this.#readLines(), this.#readComplaints()]);
  }

  /**
   * Asks, and waits for the answer.
   *
   * @throws {NodeError} When the node answers with an error, or dies.
   */
  async ask<R extends NodeRequest>(request: R): Promise<ReplyTo<R>> {
    if (this.#gone) throw new NodeError(`${this.name} is gone: ${this.#complaints}`);
    const id = ++this.#lastId;
    const reply = Promise.withResolvers<Record<string, unknown>>();
    this.#replies.set(id, reply);
    const line = new TextEncoder().encode(JSON.stringify({ id, ...request }) + "\n");
    this.#input.write(line).catch(() => {}); // The end of its output tells.
    const answer = await reply.promise;
    if (answer.ok !== true) throw new NodeError(String(answer.error));
    return answer as ReplyTo<R>;
  }

  /** Ends the process with SIGKILL, and returns once it is gone. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It is gone already.
    }
    await this.#end();
  }

  /** Asks it to stop, and kills it when it does not. */
  async stop(): Promise<void> {
    const late = setTimeout(() => void this.kill(), STOP_MS);
    await this.ask({ do: "stop" }).catch(() => {});
    await this.#end();
    clearTimeout(late);
  }

  async #end(): Promise<void> {
    await this.#child.status;
    await this.#reading;
    await this.#input.close().catch(() => {});
  }

  async #readLines(): Promise<void> {
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      if (line.trim() === "") continue;
      const answer = JSON.parse(line);
      this.#replies.get(answer.id)?.resolve(answer);
      this.#replies.delete(answer.id);
    }
    this.#gone = true;
    for (const reply of this.#replies.values()) {
      reply.reject(new NodeError(`${this.name} died: ${this.#complaints}`));
    }
  }

  async #readComplaints(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#complaints = (this.#complaints + text).slice(-STDERR_KEPT);
    }
  }
}
