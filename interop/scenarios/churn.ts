import { delay } from "@std/async";
import type { Member } from "../cluster.ts";
import { addAll, participate, type Scenario, secondsSince } from "../scenario.ts";
import { pick } from "../seeded.ts";

const size = { least: 22, most: 36, first: 30 };

/** Joins, leaves, kills and state changes, one after another, then peace. */
export const churn: Scenario = {
  name: "churn",
  about: "30 nodes of all kinds join, leave, crash and change their states, then agree",
  processes: 40,
  async run(lab) {
    const cluster = lab.cluster();
    const { seconds = 180 } = lab;
    const kinds = [lab.go(0), ...lab.ours, lab.go(1)];
    const seed = await cluster.add(lab.go(0), "seed");
    const first = Array.from({ length: size.first - 1 }, (_, i) => kinds[i % kinds.length]!);
    await participate(cluster, [seed, ...await addAll(cluster, first, [seed])]);
    await cluster.agree({ keys: 500 });

    const count = { joined: 0, left: 0, killed: 0, changed: 0 };
    const underway = new Map<Member, Promise<void>>();
    const failures: unknown[] = [];
    const begin = (member: Member, action: () => Promise<void>) => {
      const done = action().catch((error) => void failures.push(error)).finally(() => {
        underway.delete(member);
      });
      underway.set(member, done);
    };
    const join = async () => {
      const via = cluster.members.filter((member) => !underway.has(member));
      const through = [pick(lab.random, via), pick(lab.random, via), pick(lab.random, via)];
      const kind = pick(lab.random, kinds);
      const member = cluster.spawn(kind, `${kind.name}-late-${count.joined++}`);
      begin(member, async () => {
        await cluster.join(member, through);
        if (lab.random() < 0.8) await cluster.state(member, "participant");
      });
      await Promise.resolve();
    };
    const began = performance.now();
    while (performance.now() - began < seconds * 1_000 && failures.length === 0) {
      await delay(500 + lab.random() * 2_500);
      const idle = cluster.members.filter((member) => !underway.has(member));
      const member = pick(lab.random, idle);
      const roll = lab.random();
      if (idle.length <= size.least || (roll < 0.4 && idle.length < size.most)) {
        await join();
      } else if (roll < 0.6) {
        count.left++;
        begin(member, async () => {
          if (cluster.stateOf(member) === "participant" && lab.random() < 0.7) {
            await cluster.state(member, "terminating");
          }
          await cluster.stop(member);
        });
      } else if (roll < 0.8) {
        count.killed++;
        begin(member, () => cluster.kill(member));
      } else if (cluster.stateOf(member) !== "terminating") {
        count.changed++;
        begin(member, () =>
          cluster.state(
            member,
            cluster.stateOf(member) === "viewer" ? "participant" : "terminating",
          ));
      }
    }
    await Promise.all(underway.values());
    if (failures.length > 0) throw failures[0];
    const ended = performance.now();
    await cluster.agree({ withinMs: 240_000, keys: 0 });
    const peace = secondsSince(ended);
    const { nodes } = await cluster.agree();
    return `${count.joined} joined, ${count.left} left, ${count.killed} killed, ${count.changed} changed; ` +
      `${nodes} nodes of one mind ${peace} after ${seconds} s`;
  },
};
