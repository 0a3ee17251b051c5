import {
  appended,
  type Argument,
  type OperationKind,
  type Value,
} from "../../linearizability/operation.ts";

/** A command of a session. */
export interface Command {
  /** Whose session. */
  readonly client: number;
  /** Its number within the session: a command may come twice. */
  readonly sequence: number;
  /** Id of the operation in the history. */
  readonly operation: number;
  readonly kind: OperationKind;
  readonly key: string;
  readonly argument: Argument;
}

/** What a command answered: whether it replaced, or what it made. */
export type Answer = string | boolean | null;

interface Session {
  sequence: number;
  answer: Answer;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A command's bytes. */
export function encodeCommand(command: Command): Uint8Array {
  return encoder.encode(JSON.stringify(command));
}

/** Registers with sessions: what the group replicates. */
export class KeyValue {
  /** Digest of the content: equal contents have equal ones, by whatever way they came about. */
  digest = 0;
  /** Commands that took effect. */
  effective = 0;
  #registers = new Map<string, Value>();
  #sessions = new Map<number, Session>();

  /** Applies a command. @returns The answer, and whether it took effect now; `undefined` for one whose session has gone on. */
  apply(data: Uint8Array):
    | { readonly command: Command; readonly answer: Answer; readonly isFresh: boolean }
    | undefined {
    const command = JSON.parse(decoder.decode(data)) as Command;
    const { client, sequence, key, kind, argument } = command;
    const session = this.#sessions.get(client);
    if (session !== undefined && sequence <= session.sequence) {
      if (sequence < session.sequence) return undefined;
      return { command, answer: session.answer, isFresh: false };
    }
    const held = this.#registers.get(key) ?? null;
    let answer: Answer = null;
    let next: Value = held;
    if (kind === "write") next = argument as Value;
    else if (kind === "append") answer = next = appended(held, argument as Value);
    else {
      const [expected, replacement] = argument as readonly [Value, Value];
      answer = held === expected;
      if (answer) next = replacement;
    }
    this.#set(key, next);
    this.#remember(client, { sequence, answer });
    this.effective++;
    return { command, answer, isFresh: true };
  }

  /** Reads a register. */
  read(key: string): Value {
    return this.#registers.get(key) ?? null;
  }

  /** All of it. */
  serialize(): string {
    return JSON.stringify([[...this.#registers], [...this.#sessions], this.effective]);
  }

  /** Replaces all of it. */
  restore(text: string): void {
    const [registers, sessions, effective] = JSON.parse(text) as [
      [string, Value][],
      [number, Session][],
      number,
    ];
    this.#registers = new Map();
    this.#sessions = new Map();
    this.digest = 0;
    for (const [key, value] of registers) this.#set(key, value);
    for (const [client, session] of sessions) this.#remember(client, session);
    this.effective = effective;
  }

  #set(key: string, value: Value): void {
    const before = this.#registers.get(key);
    if (before !== undefined) this.digest ^= hash(`k${key} ${before}`);
    this.#registers.set(key, value);
    this.digest ^= hash(`k${key} ${value}`);
  }

  #remember(client: number, session: Session): void {
    const before = this.#sessions.get(client);
    if (before !== undefined) this.digest ^= hash(`s${client} ${before.sequence} ${before.answer}`);
    this.#sessions.set(client, session);
    this.digest ^= hash(`s${client} ${session.sequence} ${session.answer}`);
  }
}

function hash(text: string): number {
  let value = 0x811c_9dc5 | 0;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x0100_0193);
    value ^= value >>> 13;
  }
  return value;
}
