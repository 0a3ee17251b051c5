import { type Peer, samePeer } from "../../shard/peer.ts";

/** Orders names by their UTF-8 bytes, which is by code points; the default order of strings is by UTF-16 units. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for code points above all other units.
    const xHigh = x >= 0xd800 && x <= 0xdfff;
    const yHigh = y >= 0xd800 && y <= 0xdfff;
    return xHigh === yHigh ? x - y : xHigh ? 1 : -1;
  }
  return a.length - b.length;
}

/** The peers in order of name, and whether they differ from the last view that was handed out. */
export class PeerView {
  readonly #sorted: Peer[] = [];
  #handedOut: readonly Peer[] = Object.freeze([]);
  #touched = false;

  /** The last view taken. */
  get last(): readonly Peer[] {
    return this.#handedOut;
  }

  /** Peers now. */
  get size(): number {
    return this.#sorted.length;
  }

  /** The peer of a name. */
  named(name: string): Peer | undefined {
    const peer = this.#sorted[this.#position(name)];
    return peer?.name === name ? peer : undefined;
  }

  /** Adds or replaces a peer. */
  set(peer: Peer): void {
    const at = this.#position(peer.name);
    const known = this.#sorted[at];
    const replaces = known?.name === peer.name;
    if (replaces && samePeer(known, peer)) return;
    this.#sorted.splice(at, replaces ? 1 : 0, Object.freeze({ ...peer }));
    this.#touched = true;
  }

  /** Removes a peer. */
  delete(name: string): void {
    const at = this.#position(name);
    if (this.#sorted[at]?.name !== name) return;
    this.#sorted.splice(at, 1);
    this.#touched = true;
  }

  /** The view when it differs from the last one taken. */
  take(): readonly Peer[] | undefined {
    if (!this.#touched) return undefined;
    this.#touched = false;
    const last = this.#handedOut;
    const unchanged = last.length === this.#sorted.length &&
      last.every((peer, i) => samePeer(peer, this.#sorted[i]!));
    if (unchanged) return undefined;
    this.#handedOut = Object.freeze(this.#sorted.slice());
    return this.#handedOut;
  }

  #position(name: string): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareNames(this.#sorted[middle]!.name, name) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
