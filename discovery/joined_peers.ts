/**
 * Several sources of peers as one.
 *
 * @module
 */
import { allFailed, untilAborted } from "./_outcome.ts";
import type { Discovery } from "./discovery.ts";

/**
 * All that any of the sources finds, each address once, in the order of the sources. They are asked at the same time, and a source that
 * fails hides no other: it is told to `onFailure`.
 *
 * `discover` rejects with an `AggregateError` only if every source failed. Without sources there is nobody.
 *
 * @example Usage
 * ```ts
 * import { joinedPeers, staticPeers } from "@ck/cluster/discovery";
 * import { assertEquals } from "@std/assert";
 *
 * const peers = joinedPeers(
 *   staticPeers(["10.0.0.1:8080", "10.0.0.2:8080"]),
 *   staticPeers(["10.0.0.2:8080", "10.0.0.3:8080"]),
 * );
 * assertEquals(await peers.discover(), ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"]);
 * ```
 */
export function joinedPeers(...sources: readonly Discovery[]): Discovery {
  return Object.freeze<Discovery>({
    source: sources.map(({ source }) => source).join(" + "),
    async discover(given = {}) {
      const { signal, onFailure } = given;
      signal?.throwIfAborted();
      const asked = sources.map(async (source) => {
        // A source reports its own parts; what it throws on top says that nothing of it is left.
        let reports = 0;
        const report = onFailure === undefined ? {} : {
          onFailure: (failure: Parameters<typeof onFailure>[0]) => {
            reports++;
            onFailure(failure);
          },
        };
        try {
          return await source.discover({ ...given, ...report });
        } catch (error) {
          if (reports === 0 && !signal?.aborted) {
            onFailure?.(Object.freeze({ source: source.source, error }));
          }
          throw error;
        }
      });
      const answers = await untilAborted(Promise.allSettled(asked), signal);
      signal?.throwIfAborted();
      const errors = answers.flatMap((answer) =>
        answer.status === "rejected" ? [answer.reason as unknown] : []
      );
      if (sources.length > 0 && errors.length === sources.length) {
        throw allFailed(errors, "Cannot discover peers by any source");
      }
      const found = answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value : []);
      return Object.freeze([...new Set(found)]);
    },
  });
}
