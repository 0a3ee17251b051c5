/**
 * Command lines that cannot be understood end a task with one line and status 2.
 *
 * @module
 */
import process from "node:process";

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
