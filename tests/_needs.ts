/** What a test may do that Deno asks permission for. */
export type Permission = "net" | "read" | "write" | "run" | "env" | "sys";

interface DenoPermissions {
  readonly permissions: { querySync(descriptor: { name: Permission }): { state: string } };
}

/**
 * Options for `describe` and `it` of tests that open sockets, read files or start processes: under bare `deno test`, which grants
 * nothing, they are reported as ignored; `deno task test` grants everything and runs them. Bun and Node always run them.
 */
export function needs(...permissions: readonly Permission[]): { readonly skip: string | false } {
  const deno = (globalThis as { Deno?: DenoPermissions }).Deno;
  const missing = deno === undefined
    ? []
    : permissions.filter((name) => deno.permissions.querySync({ name }).state !== "granted");
  return {
    skip: missing.length > 0 && `needs --allow-${missing.join(", --allow-")}: see deno task test`,
  };
}
