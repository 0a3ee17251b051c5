/**
 * Checks before anything is asked: a source that was set up wrongly must fail where it is written, not in a log of the background.
 *
 * @module
 */
import { isPort } from "../advertise/ip.ts";

/** The error of a setting that cannot be used. */
export function misuse(
  Class: TypeErrorConstructor | RangeErrorConstructor,
  rule: string,
  value: unknown,
): Error {
  return new Class(`Cannot look for peers as ${rule}: current value is ${shown(value)}`);
}

/** JSON has quotes around texts and shows what a terminal would not. */
function shown(value: unknown): string {
  const text = typeof value === "string" || value instanceof Array
    ? JSON.stringify(value)
    : String(value);
  return text.length <= 80 ? text : `${text.slice(0, 80)}… (${text.length} characters)`;
}

/**
 * Checks options that several sources share.
 *
 * @param known The names of the options that there are.
 * @throws {TypeError} When one is unknown or of the wrong kind.
 * @throws {RangeError} When `port` or `family` has no such value.
 */
export function checkOptions(options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw misuse(TypeError, "'options' must be an object", options);
  }
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue;
    throw new TypeError(
      `Cannot look for peers as there is no option '${option}': known are ${known.join(", ")}`,
    );
  }
  const { port, family, resolver } = options as Readonly<Record<string, unknown>>;
  if (port !== undefined && !isPort(port as number)) {
    throw misuse(RangeError, "'port' must be an integer from 1 to 65535", port);
  }
  if (family !== undefined && family !== 4 && family !== 6) {
    throw misuse(RangeError, "'family' must be 4 or 6", family);
  }
  if (resolver !== undefined && (typeof resolver !== "object" || resolver === null)) {
    throw misuse(TypeError, "'resolver' must be an object", resolver);
  }
}

/**
 * Checks a DNS name, as far as that decides whether it can be asked for.
 *
 * @throws {TypeError} When it is no text.
 * @throws {RangeError} When it is empty, longer than DNS can carry (253 characters), or has blanks or control characters in it.
 */
export function checkName(name: unknown): void {
  if (typeof name !== "string") throw misuse(TypeError, "'name' must be a string", name);
  // deno-lint-ignore no-control-regex
  if (name === "" || name.replace(/\.$/, "").length > 253 || /[\u0000-\u0020\u007f]/.test(name)) {
    throw misuse(RangeError, "'name' must be a DNS name of 1 to 253 characters", name);
  }
}
