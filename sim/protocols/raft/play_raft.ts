import { isMember } from "../../../raft/config.ts";
import { checkCommitOrder } from "../../linearizability/commit_order.ts";
import { checkLinearizable, describeViolation } from "../../linearizability/check.ts";
import { operationsOf } from "../../linearizability/history.ts";
import { describeOperation } from "../../linearizability/operation.ts";
import type { Plan } from "../../plan.ts";
import type { Outcome } from "../../play.ts";
import { ViolationError } from "../../violation.ts";
import { Clients } from "./clients.ts";
import { raftFaults } from "./faults.ts";
import { Group } from "./group.ts";
import type { GroupSite } from "./group_site.ts";
import { LastingFault } from "./lasting.ts";
import { leaseDriftOf, numberIn } from "./settings.ts";

/** Of so many seeds one is also searched for an order, as if the log were not known. */
const SEARCH_EVERY = 4;
/** Steps of that search, for each key. */
const SEARCH_STEPS = 300_000;

/**
 * Plays a plan of Raft from beginning to end.
 *
 * @param prepare Called with the machines before anything happens, to watch them.
 */
export function playRaft(plan: Plan, prepare?: (group: Group) => void): Outcome {
  const group = new Group(plan);
  prepare?.(group);
  const { simulation } = group;
  let violation: Outcome["violation"];
  let recoveredMs: number | undefined;
  let clients: Clients | undefined;
  try {
    for (const { slot } of group.machines) group.start(slot);
    clients = new Clients(group, plan.settings);
    runFaults(plan, group);
    recoveredMs = recover(plan, group, clients);
    clients.countCancelled();
    checkHistory(plan, group, clients);
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error;
    violation = { invariant: error.invariant, kind: error.kind, detail: error.message };
  }
  return {
    violation,
    step: simulation.events,
    atMs: simulation.now / 1000,
    recoveredMs,
    traceHash: simulation.trace.digest,
    situations: group.situations,
  };
}

function runFaults(plan: Plan, group: Group): void {
  const { simulation } = group;
  let isOver = false;
  const site: GroupSite = {
    cluster: group,
    nodes: plan.nodes,
    random: simulation.random("faults"),
    leaseDrift: leaseDriftOf(plan.settings),
    electionMs: numberIn(plan.settings, "electionTimeoutMs"),
    later: (ms, run) => {
      simulation.at(simulation.now + Math.round(ms * 1000), () => {
        if (!isOver) run();
      });
    },
  };
  const ends: (() => void)[] = [];
  for (const action of plan.actions) {
    const fault = raftFaults.find(({ name }) => name === action.fault);
    if (fault === undefined) {
      throw new RangeError(`Cannot play a plan as there is no fault ${action.fault}`);
    }
    site.later(action.atMs, () => {
      let end = fault.begin(site, action);
      if (end === undefined) return;
      const once = (): void => {
        end?.();
        end = undefined;
      };
      ends.push(once);
      simulation.at(simulation.now + action.forMs * 1000, once);
    });
  }
  simulation.run(plan.quietAtMs * 1000);
  isOver = true;
  for (const end of ends) end();
  group.network.skies.clear();
}

/** Faults are over: all run, one leads, all members hold the same, and clients are answered. */
function recover(plan: Plan, group: Group, clients: Clients): number {
  const { simulation } = group;
  const quietAt = simulation.now;
  for (const { slot, disk } of group.machines) {
    disk.fault = () => undefined;
    disk.capacityBytes = Infinity;
    const process = group.at(slot);
    if (process !== undefined) process.effectsToLive = 0;
    if (process?.isPaused) process.resume();
    group.start(slot);
  }
  clients.isOpen = false;
  const lasting = new LastingFault(plan, group);
  const electionMs = numberIn(plan.settings, "electionTimeoutMs");
  const boundUs = (60 * electionMs + 30_000) * 1000;
  const everyUs = electionMs * 250;
  // Without both, whoever was removed without learning of it may go on to depose leaders (E10).
  const isPatient = plan.settings["preVote"] === true && plan.settings["checkQuorum"] === true;
  const late = (invariant: string, what: string): never => {
    throw new ViolationError(
      invariant,
      `not within ${boundUs / 1000} ms of quiet: ${what}`,
      "liveness",
    );
  };
  let recoveredMs = 0;
  for (let isCalm = false; !isCalm;) {
    for (;;) {
      simulation.run(simulation.now + everyUs);
      lasting.settle();
      const difference = disagreement(group, { clients, isPatient, excused: lasting.excused });
      if (difference === "") break;
      if (simulation.now - quietAt > boundUs) late("converges", difference);
    }
    recoveredMs = (simulation.now - quietAt) / 1000;
    const { config, term } = group.leader!.status;
    simulation.run(simulation.now + 10 * electionMs * 1000);
    const moved = group.running.find(({ id, status }) =>
      !lasting.excused.has(id) && isMember(config, id) && status.term !== term &&
      (isPatient || !isStranded(group, id, term))
    );
    isCalm = moved === undefined;
    if (!isCalm && simulation.now - quietAt > boundUs) late("calm", `${moved!.id} moves on`);
  }
  lasting.endured();
  if (lasting.heal()) simulation.run(simulation.now + 20 * electionMs * 1000);
  // The group serves: some more operations are answered.
  const { answered } = clients;
  clients.askOnceMore();
  simulation.run(simulation.now + 40 * electionMs * 1000, () => clients.pending === 0);
  if (clients.pending > 0) throw new ViolationError("answers", "operations wait", "liveness");
  if (clients.answered === answered) {
    throw new ViolationError("answers", "no operation succeeds", "liveness");
  }
  return recoveredMs;
}

/**
 * Without pre-vote and check-quorum nobody answers a leader of an older term (E6): a member in a later one, whose own log names nobody to
 * ask for votes who still runs, learns nothing any more.
 */
function isStranded(group: Group, id: string, term: number): boolean {
  const { status } = group.running.find((one) => one.id === id)!;
  return status.term > term &&
    !group.running.some((other) => other.id !== id && status.config.voters.includes(other.id));
}

function disagreement(
  group: Group,
  { clients, isPatient, excused }: {
    readonly clients: Clients;
    readonly isPatient: boolean;
    readonly excused: ReadonlySet<string>;
  },
): string {
  const { leader } = group;
  if (leader === undefined) {
    return `nobody leads: ${
      group.running.map(({ status: { id, role, term, lastIndex } }) =>
        `${id} ${role} ${term} last ${lastIndex}`
      ).join(", ")
    }`;
  }
  const { config, term, commitIndex, lastIndex, isConfigCommitted } = leader.status;
  // Deposed, and nobody tells it (E6): those who belong, and lead next, it would call strangers.
  if (commitIndex < group.ledger.commit) {
    return `${leader.id} committed ${commitIndex} of ${group.ledger.commit}`;
  }
  // Whom an entry excludes that is not committed, the group may still need.
  if (!isPatient && isConfigCommitted && config.votersOutgoing.length === 0) {
    const strangers = group.running.filter(({ id }) => !isMember(config, id));
    for (const { slot } of strangers) group.crash(slot, true);
    // What they have said may still be on its way.
    if (strangers.length > 0) return `${strangers.length} strangers ran`;
  }
  if (config.votersOutgoing.length > 0) {
    if (!config.autoLeave) leader.change({ change: { type: "leaveJoint" } });
    return `${leader.id} is in a joint phase`;
  }
  if (!isConfigCommitted || commitIndex < lastIndex) {
    return `${leader.id} committed ${commitIndex} of ${lastIndex}`;
  }
  for (const { status, id } of group.running) {
    if (!isMember(config, id) || excused.has(id)) continue;
    if (!isPatient && isStranded(group, id, term)) continue;
    if (status.leader !== leader.id || status.term !== term) {
      return `${id} follows ${status.leader}`;
    }
    if (status.appliedIndex < commitIndex) {
      return `${id} applied ${status.appliedIndex} of ${commitIndex}`;
    }
  }
  return clients.pending > 0 ? `${clients.pending} operations wait` : "";
}

function checkHistory(plan: Plan, group: Group, clients: Clients): void {
  const operations = operationsOf(clients.recorder.events);
  const { applied } = group.ledger;
  const violation = checkCommitOrder(operations, { applied, readAt: clients.readAt });
  if (violation !== undefined) {
    const { rule, operation, detail } = violation;
    throw new ViolationError(
      `history-${rule}`,
      `${operation === undefined ? "" : `${describeOperation(operation)}: `}${detail}`,
    );
  }
  if (plan.seed % SEARCH_EVERY !== 0) return;
  const { verdict, violations } = checkLinearizable(operations, { maxSteps: SEARCH_STEPS });
  group.count(`history searched: ${verdict}`);
  if (violations[0] !== undefined) {
    throw new ViolationError("linearizable", describeViolation(violations[0]));
  }
}
