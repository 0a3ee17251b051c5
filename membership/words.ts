/**
 * How values that come from outside appear in messages: on one line, of bounded length, whatever they are.
 *
 * @module
 */

/** An error in a few words. Never throws, also when the error does. */
export function wordOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return "an error that cannot be printed";
  }
}

/** A value as part of a message about it: printable, at most 80 characters and a note. */
export function shown(value: unknown): string {
  const line = text(value)
    .replace(/[^\x20-\x7e\u00a1-\uffff]|[\u2028\u2029]/g, "\ufffd").toWellFormed();
  return line.length <= 80 ? line : `${line.slice(0, 77)}… (${line.length} characters)`;
}

/** The first few of many items. */
export function listed(items: readonly string[], separator: string): string {
  const most = 8;
  if (items.length <= most) return items.join(separator);
  return `${items.slice(0, most).join(separator)}${separator}and ${items.length - most} more`;
}

function text(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return `the function ${value.name || "without a name"}`;
  try {
    return String(value);
  } catch {
    return "an object that cannot be printed";
  }
}
