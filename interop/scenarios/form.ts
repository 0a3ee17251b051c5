import { addAll, participate, type Scenario } from "../scenario.ts";

/** A cluster forms through a Go node. */
export const formGoSeed: Scenario = {
  name: "form-go-seed",
  about: "a cluster forms through a Go node",
  processes: 6,
  async run(lab) {
    const cluster = lab.cluster();
    const seed = await cluster.add(lab.go(0), "seed");
    const others = await addAll(cluster, [lab.go(1), ...lab.ours], [seed]);
    const viewer = await cluster.add(lab.ours[0]!, "viewer", [seed]);
    await participate(cluster, [seed, ...others]);
    const { nodes, answered } = await cluster.agree();
    if (cluster.stateOf(viewer) !== "viewer") throw new Error("the viewer became something else");
    return `${nodes} nodes, ${answered} looked up 10,000 keys alike`;
  },
};

/** A cluster forms through each of ours. */
export const formOurSeed: Scenario = {
  name: "form-our-seed",
  about: "a cluster forms through one of ours, on each runtime",
  processes: 12,
  async run(lab) {
    const seen: string[] = [];
    await Promise.all(lab.ours.map(async (kind) => {
      const cluster = lab.cluster();
      const seed = await cluster.add(kind, "seed");
      await cluster.state(seed, "participant");
      const others = await addAll(cluster, [lab.go(0), lab.go(1)], [seed]);
      others.push(...await addAll(cluster, [kind], [others[0]!], "late"));
      await participate(cluster, others);
      const { answered } = await cluster.agree();
      seen.push(`${kind.name}: ${answered} alike`);
    }));
    return seen.sort().join(", ");
  },
};
