import { TextLineStream } from "./lines.ts";

/** A program that answers `bench` requests over JSON lines. */
export interface Subject {
  /** What the results call it. */
  readonly name: string;
  /** Asks for one measurement; `undefined` if the program does not do it. */
  ask(request: Readonly<Record<string, unknown>>): Promise<Measurement | undefined>;
  /** Ends the program. */
  close(): Promise<void>;
}

/** One measurement. */
export interface Measurement {
  /** Mean time of one, in nanoseconds. */
  readonly ns: number;
  /** The fastest round, in nanoseconds. */
  readonly least?: number;
  /** Bytes kept, where the program can tell. */
  readonly bytes?: number;
}

/** Starts a program and speaks the line protocol with it. */
export function start(name: string, command: readonly string[]): Subject {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  let id = 0;
  return {
    name,
    async ask(request) {
      id += 1;
      await writer.write(new TextEncoder().encode(JSON.stringify({ ...request, id }) + "\n"));
      for (;;) {
        const { value, done } = await lines.read();
        if (done) throw new Error(`${name} ended before it answered`);
        if (value.trim() === "") continue;
        const reply = JSON.parse(value);
        if (reply.id !== id) continue;
        return reply.ok === true ? reply : undefined;
      }
    },
    async close() {
      await writer.close().catch(() => {});
      const late = setTimeout(() => child.kill("SIGKILL"), 2_000);
      await child.status;
      clearTimeout(late);
      await lines.cancel().catch(() => {});
    },
  };
}
