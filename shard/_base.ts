import { Roster } from "./_roster.ts";
import type { HashFamily } from "./hash/family.ts";
import type { Key } from "./key.ts";
import type { Node } from "./node.ts";
import type { Locator, LookupOptions, Placement } from "./placement.ts";

/** What all placements have in common: names, and being derived from one another. Subclasses freeze themselves. */
export abstract class RosterPlacement<P extends Placement = Placement> implements Placement {
  readonly nodes: readonly string[];
  readonly hash: HashFamily;
  readonly #roster: Roster;
  #names: Locator<string> | undefined;

  constructor(hash: HashFamily, roster: Roster) {
    this.hash = hash;
    this.nodes = roster.names;
    this.#roster = roster;
  }

  abstract project<T>(value: (node: string) => T): Locator<T>;

  /** The placement of another roster. */
  protected abstract derive(roster: Roster): P;

  owners(key: Key | string, count: number, options?: LookupOptions): readonly string[] {
    return (this.#names ??= this.project((name) => name)).lookup(key, count, options);
  }

  with(node: Node): P {
    return this.#change(this.#roster.with(node));
  }

  without(name: string): P {
    return this.#change(this.#roster.without(name));
  }

  update(nodes: Iterable<Node>): P {
    return this.#change(new Roster(nodes));
  }

  #change(roster: Roster): P {
    const same = roster === this.#roster || roster.equals(this.#roster);
    return same ? this as unknown as P : this.derive(roster);
  }
}
