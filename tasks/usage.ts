/**
 * Command lines that cannot be understood end a task with one line and status 2; `--help` ends it with what the task is, and status 0.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";

/** With `--help` or `-h` on the command line, prints the comment that the module at `url` begins with, and ends the process. */
export function help(url: string): void {
  const asks = process.argv.slice(2).some((arg) => arg === "--help" || arg === "-h");
  if (!asks) return;
  console.log(descriptionOf(readFileSync(new URL(url), "utf8")));
  process.exit(0);
}

/** The text of the comment that a module begins with. */
export function descriptionOf(source: string): string {
  const [, comment = ""] = /^(?:\/\/[^\n]*\n)*\/\*\*(.*?)\*\//s.exec(source) ?? [];
  return comment.replace(/^[ \t]*\* ?/gm, "").replace(/^@module$/m, "").trim();
}

/** Ends the process. */
export function usage(message: string): never {
  console.error(message);
  process.exit(2);
}

/** Runs `parse`, a call of `parseArgs`; what it throws is a matter of usage. */
export function understood<T>(action: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    // The second sentence tells how to pass a file whose name begins with a dash.
    const [problem] = (error as Error).message.split(". ");
    return usage(`Cannot ${action} as the command line must be understood: ${problem}`);
  }
}

/** A whole number from the command line. */
export function whole(action: string, name: string, text: string, least = 0): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  return usage(
    `Cannot ${action} as '${name}' must be a whole number, ${least} or more: current value is ${
      JSON.stringify(text)
    }`,
  );
}
