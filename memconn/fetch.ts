/**
 * `fetch` without a network.
 *
 * @module
 */

/** A function to use in the place of `fetch`. */
export type FetchFunction = (
  input: Request | URL | string,
  init?: RequestInit,
) => Promise<Response>;

/** Options of {@link memFetch}. */
export interface MemFetchOptions {
  /**
   * What relative URLs are relative to.
   *
   * @default {"http://mem.invalid"}
   */
  readonly baseUrl?: string;
}

/**
 * Creates a `fetch` that calls one's own handler: a service talks to itself as it talks to others, without a socket.
 *
 * Like `fetch`, it resolves for any status, and rejects when the signal aborts; unlike it, it rejects with what the handler throws.
 *
 * @example Usage
 * ```ts
 * import { memFetch } from "@ck/cluster/memconn";
 * import { assertEquals } from "@std/assert";
 *
 * const fetch = memFetch(async (request) => new Response(`${request.method} ${await request.text()}`));
 * const response = await fetch("/echo", { method: "POST", body: "hi" });
 * assertEquals(await response.text(), "POST hi");
 * ```
 */
export function memFetch(
  handler: (request: Request) => Response | Promise<Response>,
  { baseUrl = "http://mem.invalid" }: MemFetchOptions = {},
): FetchFunction {
  return async (input, init) => {
    const request = new Request(
      input instanceof Request ? input : new URL(input, baseUrl),
      init,
    );
    const signal = init?.signal ?? request.signal;
    signal.throwIfAborted();
    const answer = Promise.resolve(handler(request));
    return await new Promise<Response>((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  };
}
