/**
 * Interaction transcripts: commands over a small {@link Cluster}, and what it did, as text that is read and reviewed.
 *
 * A file is a list of blocks, parted by blank lines: commands, one a line (`#` begins a remark), then `----`, then the output.
 *
 * ```txt
 * start a b c [x] [l~] [logs=a:2.2,b:2] [disk=slow] [apply=slow] [setting=value …]   `[x]` starts blank, `l~` is a learner
 * campaign a · propose a x y · change a +d -b [joint|explicit] [expect=1] · leave a · read a · transfer a [b] · forget a
 * unreachable a b · snapshot a · wait 100 · run 1000 · settle · deliver [filter] · drop [filter] · dup [filter]
 * flush a [1] · apply a · crash a [kept] · restart a · cut a b · heal · send from=b to=a type=heartbeat term=2 …
 * status [a …] · progress a · log [a …] · network
 * ```
 *
 * A filter is any of `from=`, `to=`, `type=`, `count=`. `wait` lets time pass and the timers that are due fire once; `run`
 * settles on the way. `quiet` before a command keeps what it does out of the output. Election timeouts are T for the first
 * member, 1.1 T for the second, and so on.
 *
 * @module
 */
import { bytesOf, Cluster, type Member, stateWith } from "./_harness.ts";
import type { ConfigChange, MemberChange, RaftEffect, RaftInput } from "./contract.ts";
import type { ClusterConfig, Entry, NodeId } from "./entry.ts";
import type { Message } from "./message.ts";
import type { RaftOptions } from "./options.ts";

const decoder = new TextDecoder();

/** Runs a file. @returns It, with the output that its commands have now. */
export function retold(file: string): string {
  const player = new Player();
  const blocks = file.replaceAll("\r\n", "\n").trimEnd().split(/\n\n+/);
  return blocks.map((block) => {
    const [commands] = block.split("\n----");
    if (!block.includes("\n----")) return block;
    const output = commands!.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
      .flatMap((line) => player.play(line));
    return `${commands}\n----\n${output.length === 0 ? "ok" : output.join("\n")}`;
  }).join("\n\n") + "\n";
}

class Player {
  #cluster = new Cluster({ members: [] });
  #out: string[] = [];
  #read = 0;
  #proposal = 0;
  #isQuiet = false;

  /** Plays one line. @returns What it shows. */
  play(line: string): readonly string[] {
    this.#out = [];
    this.#isQuiet = line.startsWith("quiet ");
    const [command, ...words] = line.replace(/^quiet /, "").split(" ").filter((w) => w !== "");
    try {
      this.#run(command!, words);
    } catch (error) {
      this.#out.push(`error: ${error instanceof Error ? error.message : error}`);
    }
    return this.#out;
  }

  #run(command: string, words: readonly string[]): void {
    const cluster = this.#cluster;
    const [id = ""] = words;
    const options = new Map(
      words.filter((w) => w.includes("=")).map((w) => w.split("=") as [string, string]),
    );
    const names = words.filter((w) => !w.includes("="));
    switch (command) {
      case "start":
        return this.#start(names, options);
      case "campaign":
        return this.#step(id, { type: "campaign" });
      case "propose":
        return this.#step(id, {
          type: "propose",
          proposal: ++this.#proposal,
          commands: names.slice(1).map(bytesOf),
        });
      case "change":
      case "leave": {
        const expected = options.get("expect");
        return this.#step(id, {
          type: "changeConfig",
          proposal: ++this.#proposal,
          change: command === "leave" ? { type: "leaveJoint" } : wish(names.slice(1)),
          ...(expected !== undefined && { expectedConfigIndex: Number(expected) }),
        });
      }
      case "read":
        return this.#step(id, { type: "readIndex", read: ++this.#read });
      case "transfer":
        return this.#step(id, {
          type: "transferLeadership",
          ...(names[1] !== undefined && { to: names[1] }),
        });
      case "forget":
        return this.#step(id, { type: "forgetLeader" });
      case "unreachable":
        return this.#step(id, { type: "unreachable", node: names[1]! });
      case "snapshot":
        cluster.snapshot(id);
        return;
      case "wait":
        cluster.now += Number(id);
        for (const member of cluster.members.values()) {
          if (member.isUp && member.core.deadline <= cluster.now) {
            this.#step(member.id, { type: "timeout" });
          }
        }
        return;
      case "run":
        return cluster.advance(Number(id));
      case "settle":
        return cluster.settle();
      case "deliver":
        for (const message of this.#matching(options)) cluster.deliver(message);
        return;
      case "drop":
        for (const message of this.#matching(options)) {
          if (!this.#isQuiet) this.#out.push(`lost ${messageText(message)}`);
          cluster.lose(message);
        }
        return;
      case "dup":
        for (const message of this.#matching(options)) cluster.receive(message);
        return;
      case "flush":
        return cluster.flush(id, names[1] === undefined ? Infinity : Number(names[1]));
      case "apply":
        return cluster.apply(id);
      case "crash":
        return cluster.crash(id, Number(names[1] ?? 0));
      case "restart":
        cluster.restart(id);
        return;
      case "cut": {
        const cut = new Set(names);
        cluster.filter = (m) => cut.has(m.from) === cut.has(m.to);
        return;
      }
      case "heal":
        return cluster.heal();
      case "send":
        return cluster.receive(messageOf(options));
      case "status":
        return this.#status(names);
      case "progress":
        for (const p of cluster.at(id).core.status.progress) {
          const inflight = p.inflightMessages > 0 ? ` inflight ${p.inflightMessages}` : "";
          const departing = p.isDeparting ? " departing" : "";
          this.#out.push(
            `${p.id}: ${p.state} match ${p.match} next ${p.next}${inflight}${departing}`,
          );
        }
        return;
      case "log":
        for (const member of this.#named(names)) {
          const { entries, snapshot } = member.written;
          const base = snapshot === undefined ? "" : `snapshot ${snapshot.index}/${snapshot.term} `;
          this.#out.push(`${member.id}: ${base}${entriesText(entries)}`);
        }
        return;
      case "network":
        this.#out.push(...cluster.network.map(messageText));
        return;
      default:
        throw new Error(`unknown command ${command}`);
    }
  }

  #start(names: readonly string[], options: ReadonlyMap<string, string>): void {
    const plain = names.filter((name) => !name.startsWith("["));
    const founding = plain.map((name) => ({
      id: name.replace("~", ""),
      address: `${name.replace("~", "")}:1`,
      voter: !name.endsWith("~"),
    }));
    const blank = names.filter((name) => name.startsWith("[")).map((name) => name.slice(1, -1));
    const settings: Record<string, unknown> = {};
    for (const [key, value] of options) {
      if (!["logs", "disk", "apply"].includes(key)) settings[key] = JSON.parse(value);
    }
    const logs = options.get("logs")?.split(",").map((log) => log.split(":") as [string, string]);
    const ids = [...founding.map(({ id }) => id), ...blank];
    this.#cluster = new Cluster({
      members: logs === undefined ? founding : [],
      blank,
      options: settings as RaftOptions,
      immediateDisk: options.get("disk") !== "slow",
      immediateApply: options.get("apply") !== "slow",
      draws: Object.fromEntries(ids.map((id, i) => [id, () => i / 10])),
    });
    const latest = Math.max(1, ...logs?.flatMap(([, log]) => log.split(".").map(Number)) ?? []);
    for (const [id, log] of logs ?? []) {
      const terms = log === "" ? [] : log.split(".").map(Number);
      this.#cluster.add(id, stateWith(ids, terms, { term: latest }));
    }
    this.#read = 0;
    this.#proposal = 0;
    this.#cluster.onStep = (member, input, effects) => this.#tell(member, input, effects);
    // What was committed before is applied, so that no deadline is due.
    for (const id of ids) this.#cluster.at(id).core.step({ type: "forgetLeader" }, 0);
    for (const member of this.#cluster.members.values()) {
      const { commitIndex } = member.core.status;
      member.applied.push(...member.disk.entries.filter((entry) => entry.index <= commitIndex));
      member.core.step({ type: "applied", index: commitIndex }, 0);
    }
  }

  #step(id: NodeId, input: RaftInput): void {
    this.#cluster.step(id, input);
  }

  #named(names: readonly string[]): readonly Member[] {
    return names.length > 0
      ? names.map((name) => this.#cluster.at(name))
      : [...this.#cluster.members.values()];
  }

  #matching(options: ReadonlyMap<string, string>): readonly Message[] {
    const fits = (m: Message) =>
      (["from", "to", "type"] as const).every((key) =>
        options.get(key) === undefined || options.get(key) === m[key]
      );
    return this.#cluster.network.filter(fits).slice(0, Number(options.get("count") ?? Infinity));
  }

  #status(names: readonly string[]): void {
    for (const member of this.#named(names)) {
      if (!member.isUp) {
        this.#out.push(`${member.id}: down`);
        continue;
      }
      const s = member.core.status;
      this.#out.push(
        `${s.id}: ${s.role} term ${s.term} leader ${s.leader ?? "-"} voted ${s.votedFor ?? "-"}` +
          ` log ${s.firstIndex}–${s.lastIndex} durable ${s.durableIndex}` +
          ` commit ${s.commitIndex} applied ${s.appliedIndex}`,
      );
    }
  }

  #tell(member: Member, input: RaftInput, effects: readonly RaftEffect[]): void {
    if (this.#isQuiet) return;
    // What only says that work was done is not worth a line.
    const isBookkeeping = input.type === "applied" || input.type === "persisted";
    if (isBookkeeping && effects.length === 0) return;
    this.#out.push(`${member.id} ${inputText(input)}`);
    for (const effect of effects) this.#out.push(`  ${effectText(effect)}`);
  }
}

function wish(words: readonly string[]): ConfigChange {
  const transition = (["joint", "explicit"] as const).find((word) => words.includes(word)) ??
    "auto";
  const changes = words.filter((word) => /^[+~-]/.test(word)).map((word): MemberChange => {
    const id = word.slice(1);
    if (word[0] === "-") return { type: "remove", id };
    return { type: word[0] === "+" ? "addVoter" : "addLearner", id, address: `${id}:1` };
  });
  return { type: "change", changes, transition };
}

/** A message of `key=value`: numbers and booleans as such, `entries=2/3,3/3` as commands. */
function messageOf(options: ReadonlyMap<string, string>): Message {
  const message: Record<string, unknown> = {};
  for (const [key, value] of options) {
    if (key === "entries") {
      message[key] = value === "" ? [] : value.split(",").map((at): Entry => {
        const [index, term] = at.split("/").map(Number);
        return { index: index!, term: term!, kind: "command", data: bytesOf(at) };
      });
    } else if (value === "true" || value === "false") message[key] = value === "true";
    else message[key] = /^\d+$/.test(value) ? Number(value) : value;
  }
  return message as unknown as Message;
}

function inputText(input: RaftInput): string {
  switch (input.type) {
    case "message":
    case "snapshotReceived":
      return `gets ${messageText(input.message)}`;
    case "propose":
      return `proposes #${input.proposal} ${
        input.commands.map((c) => decoder.decode(c)).join(" ")
      }`;
    case "changeConfig":
      return `changes #${input.proposal} ${changeText(input.change)}`;
    case "readIndex":
      return `reads #${input.read}`;
    case "persisted":
      return `wrote ${input.token}`;
    case "applied":
      return `applied ${input.index}`;
    case "restored":
      return `restored ${input.index}`;
    case "snapshotTaken":
      return `took snapshot ${input.meta.index}/${input.meta.term}`;
    case "transferLeadership":
      return `transfers to ${input.to ?? "anybody"}`;
    case "unreachable":
      return `cannot reach ${input.node}`;
    case "snapshotSent":
      return `sent a snapshot to ${input.node}: ${input.ok ? "ok" : "failed"}`;
    default:
      return input.type;
  }
}

function changeText(change: ConfigChange): string {
  if (change.type === "leaveJoint") return "leave";
  const sign = { addVoter: "+", addLearner: "~", remove: "-" } as const;
  return `${change.changes.map((c) => sign[c.type] + c.id).join(" ")} (${change.transition})`;
}

function effectText(effect: RaftEffect): string {
  switch (effect.type) {
    case "send":
      return `send ${messageText(effect.message)}`;
    case "persist": {
      const parts = [`write ${effect.token}${effect.sync ? "" : " (not waited for)"}`];
      if (effect.resetLog) parts.push("reset");
      if (effect.truncateFrom !== undefined) parts.push(`cut from ${effect.truncateFrom}`);
      if (effect.entries.length > 0) parts.push(entriesText(effect.entries));
      const { hardState: hard, snapshot } = effect;
      if (hard !== undefined) {
        parts.push(`term ${hard.term} vote ${hard.votedFor ?? "-"} commit ${hard.commit}`);
      }
      if (snapshot !== undefined) parts.push(`snapshot ${snapshot.index}/${snapshot.term}`);
      if (parts.length === 1) parts.push("barrier");
      return parts.join(" · ");
    }
    case "apply":
      return `apply ${entriesText(effect.entries)}`;
    case "restore":
      return `restore ${effect.meta.index}/${effect.meta.term}`;
    case "sendSnapshot":
      return `send a snapshot to ${effect.to}, at least ${effect.atLeast}`;
    case "compact":
      return `compact through ${effect.through}`;
    case "proposed":
      return `proposed #${effect.proposal} at ${effect.firstIndex}/${effect.term}`;
    case "rejected":
      return `rejected #${effect.proposal}: ${effect.reason}${
        effect.detail === "" ? "" : ` (${effect.detail})`
      }${effect.leader === undefined ? "" : `, ${effect.leader} leads`}`;
    case "readReady":
      return `read #${effect.read} at ${effect.index}`;
    case "readFailed":
      return `read #${effect.read} fails: ${effect.reason}`;
    case "role":
      return `${effect.role} in term ${effect.term}, leader ${effect.leader ?? "-"}`;
    case "config":
      return `config ${configText(effect.config)} at ${effect.index}${
        effect.committed ? ", committed" : ""
      }`;
    case "transferEnded":
      return `transfer ended: ${effect.ok ? "ok" : effect.reason}`;
    case "refused":
      return `refused: ${effect.reason}: ${effect.detail}`;
    case "halt":
      return `HALT ${effect.detail}`;
  }
}

function configText(config: ClusterConfig): string {
  const learners = config.learners.length > 0 ? ` learners ${config.learners.join(" ")}` : "";
  if (config.votersOutgoing.length === 0) return `(${config.voters.join(" ")})${learners}`;
  const next = config.learnersNext.length > 0 ? ` next ${config.learnersNext.join(" ")}` : "";
  return `(${config.voters.join(" ")})&(${config.votersOutgoing.join(" ")})${learners}${next}${
    config.autoLeave ? " auto" : ""
  }`;
}

function entriesText(entries: readonly Entry[]): string {
  return `[${
    entries.map(({ index, term, kind, data }) => {
      const what = kind === "command"
        ? ` ${decoder.decode(data)}`
        : kind === "noop"
        ? " -"
        : " config";
      return `${index}/${term}${what === ` ${index}/${term}` ? "" : what}`;
    }).join(", ")
  }]`;
}

/** A message in a line. */
export function messageText(m: Message): string {
  const head = `${m.from}→${m.to} ${m.type}${m.term === 0 ? "" : ` term ${m.term}`}`;
  switch (m.type) {
    case "append":
      return `${head} after ${m.prevIndex}/${m.prevTerm} commit ${m.commit} ${
        entriesText(m.entries)
      }`;
    case "appendReply":
      return m.rejected
        ? `${head} refuses ${m.index}, try ${m.hintIndex}/${m.hintTerm}`
        : `${head} holds ${m.index}`;
    case "heartbeat":
      return `${head} commit ${m.commit} round ${m.round}`;
    case "heartbeatReply":
      return `${head} round ${m.round}`;
    case "vote":
      return `${head}${m.preVote ? " pre" : ""}${
        m.transfer ? " transfer" : ""
      } last ${m.lastIndex}/${m.lastTerm}`;
    case "voteReply":
      return `${head}${m.preVote ? " pre" : ""} ${m.granted ? "granted" : "refused"}`;
    case "timeoutNow":
      return head;
    case "snapshot":
      return `${head} ${m.meta.index}/${m.meta.term} ${configText(m.meta.config)}`;
    case "readIndex":
      return `${head}`;
    case "readIndexReply":
      return `${head} ${m.index}`;
  }
}
