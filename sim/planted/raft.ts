import type { PlantedBug } from "./patch.ts";

/** What tells when logs or leaders come to differ; which one is first depends on the run. */
const DIVERGENCE = Object.freeze([
  "log-matching",
  "leader-completeness",
  "state-machine-safety",
  "state-machines-equal",
  "committed-is-durable",
  "progress-is-sound",
  "commit-kept",
  "no-halt",
  "starts-again",
  "indices-in-order",
  "terms-grow",
  "history-real-time",
  "history-result",
  "history-exactly-once",
  "commits-own-term",
]);
const TWO_LEADERS = Object.freeze([
  "election-safety",
  "one-vote",
  "elected-by-quorum",
  ...DIVERGENCE,
]);

/** The bugs of Raft that the simulator must find. Files are those below `raft/`. */
export const raftBugs: readonly PlantedBug[] = Object.freeze([
  {
    name: "vote-asked-before-durable",
    what: "A candidate asks for votes before its term and its own vote are on its disk (E2).",
    caughtBy: ["durable-before-sent"],
    patches: [{
      file: "election.ts",
      search: "else s.outbox.sendDurable(message);",
      replace: "else s.outbox.send(message);",
    }],
  },
  {
    name: "vote-not-written",
    what: "A vote within a known term is given without being written.",
    caughtBy: ["durable-before-sent", ...TWO_LEADERS],
    patches: [{
      file: "outbox.ts",
      search: "hard.term !== known.term || hard.votedFor !== known.votedFor;",
      replace: "hard.term !== known.term;",
    }],
  },
  {
    name: "vote-cleared-within-term",
    what: "Stepping down within a term forgets the vote (E3).",
    caughtBy: ["durable-before-sent", ...TWO_LEADERS],
    patches: [{
      file: "election.ts",
      search: "  if (term > s.term) {\n    s.term = term;",
      replace: "  if (term >= s.term) {\n    s.term = term;",
    }],
  },
  {
    name: "stale-log-elected",
    what: "A vote is given whatever the candidate's log holds (§5.4.1).",
    caughtBy: [...TWO_LEADERS],
    patches: [{
      file: "election.ts",
      search: "const granted = free && s.log.isUpToDate(m.lastIndex, m.lastTerm);",
      replace: "const granted = free;",
    }],
  },
  {
    name: "longer-log-elected",
    what: "Logs are compared by their length and not by their last term (E4).",
    caughtBy: [...TWO_LEADERS],
    patches: [{
      file: "log.ts",
      search: "return lastTerm > own || (lastTerm === own && lastIndex >= this.last);",
      replace: "return lastIndex > this.last || (lastIndex === this.last && lastTerm >= own);",
    }],
  },
  {
    name: "follower-over-commits",
    what: "A follower commits up to its own last entry, and not what the append compared (L4).",
    caughtBy: ["commits-compared", ...DIVERGENCE],
    patches: [{
      file: "following.ts",
      search: "commitThrough(s, Math.min(m.commit, verified));",
      replace: "commitThrough(s, Math.min(m.commit, s.log.last));",
    }],
  },
  {
    name: "heartbeat-commit-unclipped",
    what: "Heartbeats carry the commit index beyond what is known to match.",
    caughtBy: ["converges", ...DIVERGENCE],
    patches: [{
      file: "replication.ts",
      search: "const commit = Math.min(p.match, s.commit);",
      replace: "const commit = s.commit;",
    }],
  },
  {
    name: "old-term-committed",
    what: "A leader counts replicas of entries of former terms (L1, Figure 8).",
    caughtBy: [...DIVERGENCE],
    patches: [{
      file: "replication.ts",
      search: "if (index <= s.commit || s.log.term(index) !== s.term) return false;",
      replace: "if (index <= s.commit) return false;",
    }],
  },
  {
    name: "read-round-unbound",
    what: "Any answer to a heartbeat confirms a read, whenever its round began (R2).",
    caughtBy: ["read-covers-commits", "history-real-time", "linearizable"],
    patches: [{
      file: "replication.ts",
      search: "s.reads.acknowledged(s, p, m.round);",
      replace: "s.reads.acknowledged(s, p, s.reads.round);",
    }],
  },
  {
    name: "read-before-own-commit",
    what: "A leader serves reads before it has committed an entry of its reign (R1).",
    caughtBy: ["read-covers-commits", "history-real-time", "linearizable"],
    patches: [{
      file: "state.ts",
      search: "return s.log.term(s.commit) === s.term;",
      replace: "return s.term > 0;",
    }],
  },
  {
    name: "lease-without-end",
    what: "A lease lasts as long as the reign, however patient the voters are (R5).",
    caughtBy: ["read-covers-commits", "history-real-time", "linearizable"],
    patches: [{
      file: "lease.ts",
      search: "now < this.#from + this.#lastsMs;",
      replace: "now < this.#from + 1000 * this.#lastsMs;",
    }],
  },
  {
    name: "lease-not-shortened",
    what: "A lease lasts for T, as if all clocks ran alike (R5).",
    caughtBy: ["read-covers-commits", "history-real-time", "linearizable"],
    patches: [{
      file: "lease.ts",
      search: "this.#lastsMs = leaseMs(settings);",
      replace: "this.#lastsMs = settings.electionTimeoutMs;",
    }],
  },
  {
    name: "lease-kept-in-transfer",
    what: "A leader goes on reading by its lease after it told a successor to campaign (R5).",
    caughtBy: ["read-covers-commits", "history-real-time", "linearizable"],
    patches: [{ file: "lease.ts", search: "this.#isEnded = true;", replace: "" }],
  },
  {
    name: "joint-left-before-committed",
    what: "A joint phase is left before it is committed (C1, C6).",
    caughtBy: ["one-config-at-a-time", "quorums-overlap", ...TWO_LEADERS],
    patches: [{
      file: "reconfiguration.ts",
      search: "!isJoint(latest.config) || latest.index > s.commit) return;",
      replace: "!isJoint(latest.config)) return;",
    }],
  },
  {
    name: "config-not-rolled-back",
    what: "A configuration whose entry is cut off stays in force (thesis §4.1).",
    caughtBy: ["snapshot-config", "one-config-at-a-time", "quorums-overlap", ...TWO_LEADERS],
    patches: [{
      file: "following.ts",
      search: "      s.configs.truncate(index);\n",
      replace: "",
    }],
  },
  {
    name: "snapshot-acknowledged-early",
    what: "A snapshot is acknowledged before the log durably begins with it (S5).",
    caughtBy: ["durable-before-sent", "progress-is-sound", "committed-is-durable"],
    patches: [{
      file: "snapshots.ts",
      search: "  acknowledge(s, m.from, meta.index);\n}",
      replace: "  s.outbox.send({\n" +
        '    type: "appendReply", from: s.id, to: m.from, term: s.term,\n' +
        "    rejected: false, index: meta.index, hintIndex: 0, hintTerm: 0,\n  });\n}",
    }],
  },
  {
    name: "log-not-synced",
    what: "The log is written and called durable without a sync.",
    caughtBy: ["disk-keeps", "starts-again"],
    patches: [{
      file: "wal/core.ts",
      search: 'if (staged.sync) steps.push({ type: "sync", file });',
      replace: "",
    }],
  },
  {
    name: "directory-not-synced",
    what: "A new segment is used before its name is durable.",
    caughtBy: ["disk-keeps", "starts-again"],
    patches: [{
      file: "wal/core.ts",
      search:
        '{ type: "rename", from: file, to: segment.name },\n        { type: "syncDirectory" },',
      replace: '{ type: "rename", from: file, to: segment.name },',
    }],
  },
  {
    name: "duplicate-append-truncates",
    what: "Every append cuts what follows it, one that came before as well (L3).",
    caughtBy: [...DIVERGENCE],
    patches: [{
      file: "following.ts",
      search: "while (fresh < entries.length && log.term",
      replace: "while (fresh < 0 && log.term",
    }],
  },
  {
    name: "append-unchecked",
    what: "A follower does not compare the term before the entries (§5.3).",
    caughtBy: [...DIVERGENCE],
    patches: [{
      file: "following.ts",
      search: "if (log.term(m.prevIndex) !== m.prevTerm) {",
      replace: "if (log.term(m.prevIndex) === undefined) {",
    }],
  },
  {
    name: "acknowledged-before-durable",
    what: "A follower acknowledges entries before they are on its disk (E1).",
    caughtBy: ["durable-before-sent"],
    patches: [{
      file: "following.ts",
      search: 's.outbox.sendDurable({\n    type: "appendReply",\n    from: s.id,\n    to,',
      replace: 's.outbox.send({\n    type: "appendReply",\n    from: s.id,\n    to,',
    }],
  },
  {
    name: "self-counted-before-durable",
    what: "A leader counts itself for entries that its disk does not hold yet (L2).",
    caughtBy: [...DIVERGENCE],
    patches: [{
      file: "replication.ts",
      search: "  s.outbox.write(entries);",
      replace: "  s.outbox.write(entries);\n" +
        '  if (s.role === "leader") s.tracker.of(s.id)?.acknowledged(s.log.last);',
    }],
  },
  {
    name: "applied-before-durable",
    what: "Entries are applied before they are on the own disk (L14).",
    caughtBy: ["indices-in-order"],
    patches: [{
      file: "applying.ts",
      search: "const limit = Math.min(s.commit, s.log.durable);",
      replace: "const limit = s.commit;",
    }],
  },
  {
    name: "overwritten-write-acknowledged",
    what: "A write that was overwritten since still proves what it wrote (L9).",
    caughtBy: ["durable-before-sent", ...DIVERGENCE],
    patches: [{
      file: "log.ts",
      search: "if (write.last > kept) write.last = kept;",
      replace: "",
    }],
  },
  {
    name: "learner-counted",
    what: "Learners count towards what is committed.",
    caughtBy: [...DIVERGENCE],
    patches: [{
      file: "tracker.ts",
      search: "this.#incoming = config.voters.map(",
      replace: "this.#incoming = [...config.voters, ...config.learners].map(",
    }],
  },
  {
    name: "outgoing-half-ignored",
    what: "Elections in a joint phase are won in the incoming half alone (C4).",
    caughtBy: [...TWO_LEADERS],
    patches: [{
      file: "election.ts",
      search: "const result = jointVote(voters, votersOutgoing, s.votes);",
      replace: "const result = jointVote(voters, votersOutgoing.slice(0, 0), s.votes);",
    }],
  },
  {
    name: "change-over-change",
    what: "A change of the group begins while another is not committed (C1).",
    caughtBy: ["one-config-at-a-time", "quorums-overlap", ...TWO_LEADERS],
    patches: [{
      file: "reconfiguration.ts",
      search: "if (latest.index > s.commit) {",
      replace: "if (latest.index > s.log.last) {",
    }],
  },
  {
    name: "snapshot-of-latest-config",
    what: "A snapshot names the latest configuration and not the one at its index (S1).",
    caughtBy: ["snapshot-config"],
    patches: [{
      file: "core.ts",
      search: "= configs.at(index);",
      replace: "= configs.latest;",
    }],
  },
  {
    name: "candidacy-over-candidacy",
    what: "A further term begins while the last candidacy is not on the disk (E2).",
    caughtBy: ["converges"],
    patches: [{
      file: "core.ts",
      search: "if (s.candidacyToken > 0) resetElectionTimer(s);",
      replace: "if (s.candidacyToken > s.log.token) resetElectionTimer(s);",
    }],
  },
  {
    name: "payload-unchecked",
    what: "Recovery does not look at the checksum of what a batch holds.",
    caughtBy: ["rot-refused", "disk-keeps", "starts-again", ...DIVERGENCE],
    patches: [{
      file: "wal/batch.ts",
      search: "if (this.#checksum.compute(this.bytes, from, end, 0) !== header.payloadCrc)",
      replace: "if (end < from)",
    }],
  },
  {
    name: "damage-taken-for-torn",
    what: "A batch that later ones call durable is cut off as if it had been torn (§6.3).",
    caughtBy: ["rot-refused", "disk-keeps", "starts-again"],
    patches: [{
      file: "wal/recover.ts",
      search: "if (later.header.durableSeq >= failed) {",
      replace: "if (later.header.durableSeq < 0) {",
    }],
  },
  {
    name: "wiped-member-welcome",
    what: "Whoever has a member's name is taken for it, with another disk as well (C12).",
    caughtBy: [...TWO_LEADERS],
    patches: [{
      file: "driver/member_storages.ts",
      search: "if (known === undefined || known.storageId === storageId) return undefined;",
      replace: 'if (known?.storageId !== "") return undefined;',
    }],
  },
  {
    name: "auto-leave-not-retried",
    what:
      "A joint phase that ends by itself is ended by the leader that began it, and by no other (C6).",
    caughtBy: ["converges"],
    patches: [{
      file: "reconfiguration.ts",
      search: "if (!latest.config.autoLeave",
      replace: "if (s.log.term(latest.index) !== s.term || !latest.config.autoLeave",
    }],
  },
  {
    name: "old-append-accepted",
    what: "An append of a former term is taken for one of this term (E6).",
    caughtBy: [...TWO_LEADERS],
    patches: [{
      file: "core.ts",
      search: "else if (m.term < s.term) return",
      replace: 'else if (m.term < s.term && m.type !== "append") return',
    }],
  },
]);
