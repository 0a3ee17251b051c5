import { addAll, mixedCluster, participate, type Scenario, secondsSince } from "../scenario.ts";

/** SIGKILL of both. */
export const crash: Scenario = {
  name: "crash",
  about: "Go nodes and ours are killed, and every survivor notices",
  processes: 9,
  async run(lab) {
    const cluster = lab.cluster();
    const doomed = (await mixedCluster(lab, cluster)).slice(2);
    const staying = await addAll(cluster, lab.ours, cluster.members.slice(0, 1), "staying");
    await participate(cluster, staying);
    await cluster.agree();
    const began = performance.now();
    await Promise.all(doomed.map((member) => cluster.kill(member)));
    await cluster.agree({ withinMs: 180_000, keys: 0 });
    const noticed = secondsSince(began);
    const { nodes } = await cluster.agree();
    return `${doomed.length} of ${
      doomed.length + nodes
    } killed, noticed everywhere after ${noticed}`;
  },
};
