/** The text of an error of misuse. */
export function misuse(action: string, rule: string, value: unknown): string {
  return `Cannot ${action} as ${rule}: current value is ${String(value)}`;
}

/**
 * The defaults with what the options say instead. Throws if one has no default: a misspelt setting that is ignored would place keys
 * elsewhere than on the other members.
 *
 * @param action What cannot be done otherwise, such as `create a ring`.
 */
export function settle<T extends object>(
  action: string,
  options: { readonly [K in keyof T]?: T[K] | undefined },
  defaults: T,
): T {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(misuse(action, "'options' must be an object", options));
  }
  const settings = { ...defaults };
  for (const name of Object.keys(options) as (keyof T & string)[]) {
    if (!Object.hasOwn(defaults, name)) {
      throw new TypeError(
        `Cannot ${action} as there is no option '${name}': known are ${
          Object.keys(defaults).join(", ")
        }`,
      );
    }
    const value = options[name];
    if (value !== undefined) settings[name] = value;
  }
  return settings;
}
