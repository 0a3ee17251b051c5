import { addAll, mustFail, participate, type Scenario } from "../scenario.ts";

/** Clusters of different names do not mix. */
export const label: Scenario = {
  name: "label",
  about: "nodes of another cluster are refused by both sides, and find their own kind",
  processes: 8,
  async run(lab) {
    const home = lab.cluster();
    const seed = await home.add(lab.go(0), "seed");
    const others = await addAll(home, lab.ours, [seed]);
    await home.agree({ keys: 0 });
    const abroad = lab.cluster({ label: "elsewhere" });
    const strangers = await addAll(abroad, [lab.go(0), ...lab.ours], [], "stranger");
    await Promise.all(strangers.flatMap((stranger) =>
      [seed, ...others].map((member) =>
        mustFail(
          `${stranger.name} of another cluster, by ${member.name},`,
          stranger.program.request({ do: "start", peers: [member.addr] }),
        )
      )
    ));
    for (const stranger of strangers.slice(1)) await abroad.join(stranger, strangers.slice(0, 1));
    await Promise.all([
      participate(home, [seed, ...others]),
      participate(abroad, strangers),
    ]);
    const [ours, theirs] = await Promise.all([home.agree(), abroad.agree()]);
    return `${
      strangers.length * (1 + others.length)
    } joins refused, clusters of ${ours.nodes} and ${theirs.nodes}`;
  },
};
