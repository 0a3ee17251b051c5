/**
 * A key-value store as a state machine.
 *
 * @module
 */
import type { AppliedCommand, StateMachine } from "@ck/cluster/raft";

/** What can be proposed. */
export type KvCommand =
  | { readonly op: "put"; readonly key: string; readonly value: string }
  /** Replaces a value only where it is the expected one; `null`: where there is none. */
  | {
    readonly op: "cas";
    readonly key: string;
    readonly expect: string | null;
    readonly value: string;
  };

/** What becomes of a command. */
export interface KvResult {
  /** Whether it changed anything. */
  readonly ok: boolean;
  /** The value after it. */
  readonly value: string | null;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A command as the log keeps it. */
export function encodeCommand(command: KvCommand): Uint8Array {
  return encoder.encode(JSON.stringify(command));
}

/** Texts by key. */
export class KvStore implements StateMachine<KvResult> {
  #values = new Map<string, string>();

  /** A value as it is here, now. */
  value(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  /** Number of keys. */
  get size(): number {
    return this.#values.size;
  }

  apply(commands: readonly AppliedCommand[]): readonly KvResult[] {
    return commands.map(({ command }) => this.#apply(JSON.parse(decoder.decode(command))));
  }

  snapshot(): Iterable<Uint8Array> {
    return [encoder.encode(JSON.stringify([...this.#values]))]; // as it is now: later commands do not show
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const stream = new TextDecoder();
    let text = "";
    for await (const chunk of chunks) text += stream.decode(chunk, { stream: true });
    this.#values = new Map(JSON.parse(text + stream.decode())); // one change, to whoever reads
  }

  #apply(command: KvCommand): KvResult {
    const now = this.value(command.key);
    const ok = command.op === "put" || now === command.expect;
    if (ok) this.#values.set(command.key, command.value);
    return { ok, value: ok ? command.value : now };
  }
}
