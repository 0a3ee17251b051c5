import { compareNames } from "../../gossip/swim/peer_view.ts";
import type { Peer } from "../../shard/peer.ts";
import type { Life, ViewChange, Watcher } from "../observation.ts";
import { differing } from "../view_change.ts";
import { ViolationError } from "../violation.ts";

/** The last list of a life that was looked at, and what it says of the life itself. */
interface Seen {
  readonly peers: readonly Peer[];
  readonly self: Peer;
}

/**
 * A view is frozen, sorted by name without doubles, and has the node itself in it once, as it is. What it shares with the list before,
 * which was well formed, is not looked at again.
 */
export function viewWellFormed(): Watcher {
  const seen = new WeakMap<Life, Seen>();
  return {
    viewed(life, change) {
      const { peers } = change;
      const fail = (detail: string): never => {
        throw new ViolationError("view-well-formed", `${life.name}: ${detail}`);
      };
      if (!Object.isFrozen(peers)) fail("the list is not frozen");
      const last = seen.get(life);
      const known = last?.peers === change.before ? last : undefined;
      const { start, shared } = known === undefined ? { start: 0, shared: 0 } : differing(change);
      // The first peer that is shared again stands behind one that is not.
      const end = Math.min(peers.length, peers.length - shared + 1);
      for (let i = Math.max(1, start); i < end; i++) {
        if (compareNames(peers[i - 1]!.name, peers[i]!.name) < 0) continue;
        fail(`${peers[i]!.name} stands after ${peers[i - 1]!.name}`);
      }
      const self = selfOf(change, { known, start, shared }) ?? fail("it does not list itself once");
      if (self.name !== life.name || self.addr !== life.address || self.state !== life.state) {
        fail(`it lists itself as ${self.name} at ${self.addr}, ${self.state}`);
      }
      seen.set(life, { peers, self });
    },
  };
}

/** The one peer that says it is the node itself; `undefined`: there is none, or several. */
function selfOf(
  { before, peers }: ViewChange,
  { known, start, shared }: {
    readonly known: Seen | undefined;
    readonly start: number;
    readonly shared: number;
  },
): Peer | undefined {
  const within = (list: readonly Peer[]): Peer[] =>
    list.slice(start, list.length - shared).filter(({ self }) => self);
  const found = within(peers);
  // Where it did not stand among those that changed, it still stands.
  if (known !== undefined && within(before).length === 0) found.push(known.self);
  return found.length === 1 ? found[0] : undefined;
}
