import { delay } from "@std/async";
import type { PacketMessage } from "../../gossip/swim/messages.ts";
import type { Cluster, Member } from "../cluster.ts";
import type { Heard, RawNode } from "../raw_node.ts";

/** One node that is asked. */
export class Check {
  readonly to: string;
  readonly name: string;
  readonly raw: RawNode;
  readonly outside: boolean;
  current = "";
  count = 0;
  readonly #cluster: Cluster;
  readonly #member: Member;

  constructor(cluster: Cluster, member: Member, raw: RawNode) {
    this.#cluster = cluster;
    this.#member = member;
    this.to = member.addr;
    this.name = member.name;
    this.outside = member.kind.outside;
    this.raw = raw;
  }

  /** Plays one question. */
  async that(what: string, play: (since: number) => Promise<void>): Promise<void> {
    this.current = what;
    await play(performance.now());
    this.count++;
  }

  equal(actual: unknown, expected: unknown, what: string): void {
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      throw new Error(
        `${what} is ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`,
      );
    }
  }

  /** Tells, and waits until it was dealt with. */
  async tell(...messages: readonly PacketMessage[]): Promise<void> {
    this.raw.tell(this.to, ...messages);
    await this.settled();
  }

  /** Waits until what was told is dealt with: memberlist does so on a thread of its own. */
  async settled(): Promise<void> {
    await this.raw.settle(this.to, this.name);
    await delay(50);
  }

  /** What its record of a name says, as the next push/pull tells. */
  async record(name: string): Promise<string> {
    const { nodes } = await this.raw.pushPull(this.to);
    const node = nodes.find((one) => one.name === name);
    if (node === undefined) return "unknown";
    return `${["alive", "suspect", "dead", "left"][node.state]} @${node.incarnation}`;
  }

  /** What its peer list says of a name. */
  async listed(name: string): Promise<string> {
    const { peers = [] } = await this.#member.program.request({ do: "peers" });
    const peer = peers.find((one) => one.name === name);
    return peer === undefined ? "no peer" : peer.state;
  }

  /** Whether something was gossiped; waits for two rounds. */
  async gossiped(since: number, accepts: (heard: Heard) => boolean): Promise<boolean> {
    await delay(450);
    return this.raw.since(since).some(accepts);
  }
}
