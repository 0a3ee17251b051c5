import { ALIVE, DEAD, LEFT, type Member, SUSPECT } from "./member.ts";
import type { PushNodeState } from "./messages.ts";
import type { Verdicts } from "./verdicts.ts";

/**
 * Whether two sides can understand each other (memberlist's protocol verification): every node's current version, whatever its
 * state, must lie within the range that all alive ones understand.
 *
 * @returns Why not.
 */
export function protocolMismatch(
  remote: readonly PushNodeState[],
  local: Iterable<Member>,
): string | undefined {
  let [minProtocol, maxProtocol, minDelegate, maxDelegate] = [0, 255, 0, 255];
  const all = [...local, ...remote];
  for (const { state, vsn } of all) {
    if (state !== ALIVE || vsn.length === 0) continue;
    minProtocol = Math.max(minProtocol, vsn[0] ?? 0);
    maxProtocol = Math.min(maxProtocol, vsn[1] ?? 0);
    minDelegate = Math.max(minDelegate, vsn[3] ?? 0);
    maxDelegate = Math.min(maxDelegate, vsn[4] ?? 0);
  }
  for (const { name, vsn } of all) {
    // One without versions counts as version 0, which nobody speaks; so does one with a broken list.
    const whole = vsn.length === 6;
    const protocol = whole ? vsn[2]! : 0;
    const delegate = whole ? vsn[5]! : 0;
    if (protocol === 0 || protocol < minProtocol || protocol > maxProtocol) {
      return `${name} speaks protocol version ${protocol}, not one of [${minProtocol}, ${maxProtocol}]`;
    }
    if (delegate < minDelegate || delegate > maxDelegate) {
      return `${name} speaks delegate version ${delegate}, not one of [${minDelegate}, ${maxDelegate}]`;
    }
  }
  return undefined;
}

/** What {@link mergeNodes} works on. */
export interface MergeOptions {
  readonly verdicts: Verdicts;
  /** The own name. */
  readonly self: string;
}

/** Takes each entry as the news that memberlist makes of it: the dead are only suspected, so that they can object. */
export function mergeNodes(nodes: readonly PushNodeState[], options: MergeOptions): void {
  const { verdicts, self } = options;
  for (const entry of nodes) {
    const { name: node, incarnation, state, addr, port, meta, vsn } = entry;
    // A life that beats the own one must be outlived also where it is believed dead.
    if (state !== ALIVE && node === self && verdicts.outlive(entry, state === SUSPECT)) continue;
    // The end of a former life says nothing of the newer one.
    if (state !== ALIVE && node !== self && verdicts.isFormer(entry)) continue;
    switch (state) {
      case ALIVE:
        verdicts.alive({ type: "alive", node, incarnation, addr, port, meta, vsn });
        break;
      case SUSPECT:
      case DEAD:
        verdicts.suspect({ type: "suspect", node, incarnation, from: self });
        break;
      case LEFT:
        verdicts.dead({ type: "dead", node, incarnation, from: node });
        break;
    }
  }
}
