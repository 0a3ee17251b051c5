import { addAll, type Lab, participate, type Scenario, secondsSince } from "../scenario.ts";
import { pick } from "../seeded.ts";

/** Nodes that join at the same time: more would not all be answered within the 2 s that an exchange may take. */
const wave = 4;

/** Of those that share processes. Each opens a connection to nearly every other, which costs `fetch` on Deno the most. */
const crowdSize = 140;
const denoShare = 24;

function shareOf(lab: Lab, at: number): number {
  const names = lab.ours.map((kind) => kind.name);
  const deno = names.length > 1 && names.includes("deno") ? denoShare : undefined;
  if (deno !== undefined && names[at] === "deno") return deno;
  const others = deno === undefined ? names.length : names.length - 1;
  const rank = names.slice(0, at).filter((name) => deno === undefined || name !== "deno").length;
  return Math.floor((crowdSize - (deno ?? 0) + rank) / others);
}

/** A cluster of 150. */
export const many: Scenario = {
  name: "many",
  about: "150 nodes, 140 of them in three of our processes, gossip and exchange their states",
  processes: Infinity,
  async run(lab) {
    const cluster = lab.cluster();
    const seed = await cluster.add(lab.go(0), "seed");
    const alone = [
      seed,
      ...await addAll(
        cluster,
        [
          ...[1, 2, 3, 4, 5, 6].map((turn) => lab.go(turn)),
          ...[0, 1, 2].map((turn) => lab.ours[turn % lab.ours.length]!),
        ],
        [seed],
      ),
    ];
    const began = performance.now();
    const crowd = lab.ours.flatMap((kind, i) =>
      cluster.spawnMany(
        kind,
        `${kind.name}-crowd-`,
        shareOf(lab, i),
      )
    );
    // All at once, many would miss many others, and learn of them only from the exchanges that follow.
    for (let i = 0; i < crowd.length; i += wave) {
      await Promise.all(
        crowd.slice(i, i + wave).map((member) =>
          cluster.join(member, [pick(lab.random, alone), pick(lab.random, alone)])
        ),
      );
    }
    await cluster.agree({ keys: 0 });
    const joined = secondsSince(began);
    const changing = performance.now();
    await participate(cluster, [...alone, ...crowd]);
    await cluster.agree({ keys: 0 });
    const changed = secondsSince(changing);
    await cluster.agree();
    await cluster.state(crowd[0]!, "terminating");
    const { nodes, answered } = await cluster.agree({ keys: 1_000 });
    return `${nodes} nodes joined in ${joined}, all participants in ${changed}, ${answered} place alike`;
  },
};
