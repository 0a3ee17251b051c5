import type { Prng } from "../strategy.ts";
import type { NodeState } from "./messages.ts";
import type { Member } from "./member.ts";

/** All records, by name and as a list in random order. */
export class MemberTable {
  readonly #byName = new Map<string, Member>();
  readonly #list: Member[] = [];
  readonly #counts: [number, number, number, number] = [0, 0, 0, 0];
  readonly #random: Prng;

  /** Starts empty. */
  constructor(random: Prng) {
    this.#random = random;
  }

  /** Records held: the `n` of all formulas. */
  get size(): number {
    return this.#list.length;
  }

  /** In random order. Changes with the table. */
  get list(): readonly Member[] {
    return this.#list;
  }

  /** The record of a name. */
  named(name: string): Member | undefined {
    return this.#byName.get(name);
  }

  /** How many are in a state. */
  count(state: NodeState): number {
    return this.#counts[state];
  }

  /** Adds a record at a random place. */
  insert(member: Member): void {
    this.#byName.set(member.name, member);
    this.#counts[member.state]++;
    member.index = this.#list.length;
    this.#list.push(member);
    this.#swap(member.index, this.#draw(this.#list.length));
  }

  /** Changes a record's state at an instant. */
  turn(member: Member, state: NodeState, now: number): void {
    this.#counts[member.state]--;
    this.#counts[state]++;
    member.state = state;
    member.changedAt = now;
  }

  /** Removes a record; the last one of the list takes its place. */
  remove(member: Member): void {
    this.#byName.delete(member.name);
    this.#counts[member.state]--;
    this.#swap(member.index, this.#list.length - 1);
    this.#list.pop();
  }

  /** Puts the list into another random order (Fisher–Yates). */
  shuffle(): void {
    for (let i = this.#list.length - 1; i > 0; i--) this.#swap(i, this.#draw(i + 1));
  }

  /**
   * Up to `count` different records that are wanted. A large table is drawn from, up to three draws a record, so that the list is
   * never copied; a small one is searched whole from a random order, so that nobody is missed.
   */
  pick(count: number, wanted: (member: Member) => boolean): readonly Member[] {
    const list = this.#list;
    const picked: Member[] = [];
    const size = list.length;
    if (size < count * 3) {
      const order = Array.from({ length: size }, (_, i) => i);
      for (let left = size; left > 0 && picked.length < count; left--) {
        const drawn = this.#draw(left);
        const member = list[order[drawn]!]!;
        order[drawn] = order[left - 1]!;
        if (wanted(member)) picked.push(member);
      }
      return picked;
    }
    for (let draws = size * 3; draws > 0 && picked.length < count; draws--) {
      const member = list[this.#draw(size)]!;
      if (wanted(member) && !picked.includes(member)) picked.push(member);
    }
    return picked;
  }

  #draw(below: number): number {
    return Math.min(below - 1, Math.floor(this.#random() * below));
  }

  #swap(a: number, b: number): void {
    const list = this.#list;
    const first = list[a]!;
    const second = list[b]!;
    list[a] = second;
    list[b] = first;
    second.index = a;
    first.index = b;
  }
}
