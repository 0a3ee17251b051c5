import { compareNames } from "../../gossip/swim/peer_view.ts";
import type { Watcher } from "../observation.ts";
import { ViolationError } from "../violation.ts";

/** A view is frozen, sorted by name without doubles, and has the node itself in it once, as it is. */
export function viewWellFormed(): Watcher {
  return {
    viewed(life, { peers }) {
      const fail = (detail: string): never => {
        throw new ViolationError("view-well-formed", `${life.name}: ${detail}`);
      };
      if (!Object.isFrozen(peers)) fail("the list is not frozen");
      let selves = 0;
      for (let i = 0; i < peers.length; i++) {
        const peer = peers[i]!;
        if (i > 0 && compareNames(peers[i - 1]!.name, peer.name) >= 0) {
          fail(`${peer.name} stands after ${peers[i - 1]!.name}`);
        }
        if (!peer.self) continue;
        selves++;
        if (peer.name !== life.name || peer.addr !== life.address || peer.state !== life.state) {
          fail(`it lists itself as ${peer.name} at ${peer.addr}, ${peer.state}`);
        }
      }
      if (selves !== 1) fail(`it lists itself ${selves} times`);
    },
  };
}
