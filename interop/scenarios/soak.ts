import { delay } from "@std/async";
import type { Member } from "../cluster.ts";
import { addAll, participate, type Scenario } from "../scenario.ts";

/** Longer than a killed node takes to be declared dead in so small a cluster. */
const declaredDeadMs = 180_000;

/** Two of each side, for long: one is killed, one leaves, one comes back. */
export const soak: Scenario = {
  name: "soak",
  about: "two Go nodes and two of ours for a while: one is killed, one leaves and comes back",
  processes: 5,
  byHand: true,
  async run(lab) {
    const cluster = lab.cluster();
    const pause = () => delay((lab.seconds ?? 60) * 1_000 / 5);
    const said = (kind: Member["kind"]) => kind.name === "go" ? ["--verbose"] : [];
    const seed = await cluster.add(lab.go(0), "go-seed", [], said(lab.go(0)));
    const leaving = await cluster.add(lab.go(1), "go-leaving", [seed], said(lab.go(1)));
    const [doomed, staying] = await addAll(cluster, lab.ours.slice(-2), [seed], "soaked");
    await participate(cluster, cluster.members);
    await cluster.agree();
    const watched = [seed, leaving];
    await pause();

    await cluster.kill(doomed!);
    await cluster.agree({ withinMs: declaredDeadMs, keys: 500 });
    await pause();

    await cluster.state(leaving, "terminating");
    await cluster.agree({ keys: 500 });
    await cluster.stop(leaving);
    await cluster.agree({ keys: 500 });
    await pause();

    const back = await cluster.add(leaving.kind, leaving.name, [staying!], said(leaving.kind));
    watched.push(back);
    await cluster.agree({ keys: 0 });
    await cluster.state(back, "participant");
    await cluster.agree({ keys: 500 });
    await pause();

    await pause();
    const { nodes, answered } = await cluster.agree();
    // Until it is declared dead, exchanges with the one that was killed fail, and may say so.
    const errors = watched.flatMap((member) =>
      member.program.complaints.split("\n").filter((line) =>
        /\[ERR\]|level=error/.test(line) && !line.includes(doomed!.addr) &&
        !line.includes(doomed!.name) && !/conflict/i.test(line)
      ).map((line) => `${member.name} logged ${line}`)
    );
    if (errors.length > 0) throw new Error(errors.slice(0, 8).join("\n    "));
    const lines = watched.reduce(
      (sum, member) => sum + member.program.complaints.split("\n").length - 1,
      0,
    );
    return `${nodes} survivors of one mind, ${answered} place alike; no error among ${lines} lines that the Go nodes logged`;
  },
};
