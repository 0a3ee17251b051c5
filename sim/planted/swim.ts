import type { PlantedBug } from "./patch.ts";

/** The bugs of SWIM that the simulator must find. */
export const swimBugs: readonly PlantedBug[] = Object.freeze([
  {
    name: "suspicion-never-refuted",
    what: "A node that hears that it is suspected or dead does not object.",
    caughtBy: ["converges", "no-blameless-death"],
    patches: [{
      file: "swim/verdicts.ts",
      search: "    own.incarnation = self.raiseIncarnation(accused);",
      replace:
        "    if (accused >= 0) return;\n    own.incarnation = self.raiseIncarnation(accused);",
    }],
  },
  {
    name: "retransmit-limit-ignored",
    what: "A broadcast is never carried often enough.",
    caughtBy: ["queues-drain", "bounded"],
    patches: [{
      file: "swim/broadcast_queue.ts",
      search: "if (entry.transmits < limit)",
      replace: "if (entry.transmits < limit || limit >= 0)",
    }],
  },
  {
    name: "label-unchecked",
    what: "Packets and streams of any cluster are taken in.",
    caughtBy: ["labels-apart"],
    patches: [{
      file: "swim/wire/label.ts",
      search: "if (bytes[2 + i] !== label[i]) return false;",
      replace: "if (bytes.length === 0) return false;",
    }, {
      file: "swim/wire/stream_reader.ts",
      search: "if (label.some((byte, i) => byte !== bytes[2 + i])) return this.#refuse();",
      replace: "",
    }],
  },
  {
    name: "incarnation-not-raised-on-rejoin",
    what:
      "A node that is told of its own death objects with the incarnation that was declared dead.",
    caughtBy: ["converges", "no-blameless-death"],
    patches: [{
      file: "swim/self.ts",
      search: "Math.max(this.#incarnation, accused) + 1;",
      replace: "Math.max(this.#incarnation, accused, 1);",
    }],
  },
  {
    name: "incarnation-raised-by-others",
    what: "Who suspects a node raises its incarnation, to be believed.",
    caughtBy: ["incarnations-grow"],
    patches: [{
      file: "swim/probe.ts",
      search: 'verdicts.suspect({ type: "suspect", incarnation, node',
      replace: 'verdicts.suspect({ type: "suspect", incarnation: incarnation + 1, node',
    }],
  },
  {
    name: "dead-news-accepted-for-self",
    what: "A node that hears of its own death believes it.",
    caughtBy: ["view-well-formed"],
    patches: [{
      file: "swim/verdicts.ts",
      search:
        "    if (known.name === self.name && !self.leaving) return this.refute(news.incarnation);\n    dissemination.broadcast(known.name, news, finished);",
      replace: "    dissemination.broadcast(known.name, news, finished);",
    }],
  },
  {
    name: "push-pull-not-merged",
    what: "What a push/pull tells of nodes is not taken in.",
    caughtBy: ["converges"],
    patches: [{
      file: "swim/exchanges.ts",
      search: "mergeNodes(message.nodes, { verdicts, self: self.name });",
      replace: "void [mergeNodes, verdicts, self];",
    }],
  },
  {
    name: "collected-name-readmitted",
    what: "A name whose record was collected is believed by whatever echo of it comes.",
    caughtBy: ["no-return"],
    patches: [{
      file: "swim/collected.ts",
      search: "if (tombstone === undefined || news.generation === undefined)",
      replace: "if (tombstone === undefined || news.generation !== undefined)",
    }],
  },
  {
    name: "stale-incarnation-accepted",
    what: "News that a node is alive is believed at an older incarnation as well.",
    caughtBy: ["views-grow", "no-return"],
    patches: [{
      file: "swim/verdicts.ts",
      search: "} else if (news.incarnation <= known.incarnation && !evicts) return;",
      replace: "}",
    }, {
      file: "swim/verdicts.ts",
      search: "return news.incarnation <= known.incarnation && known.port",
      replace:
        "return news.incarnation === known.incarnation && known.state === ALIVE && known.port",
    }],
  },
  {
    name: "alive-overrides-dead",
    what: "News that a node is alive revives a dead one at the incarnation at which it died.",
    caughtBy: ["no-return", "converges"],
    patches: [{
      file: "swim/verdicts.ts",
      search: "} else if (news.incarnation <= known.incarnation && !evicts) return;",
      replace: "} else if (news.incarnation < known.incarnation && !evicts) return;",
    }, {
      file: "swim/verdicts.ts",
      search: "return news.incarnation <= known.incarnation && known.port",
      replace:
        "return (news.incarnation < known.incarnation || known.state === ALIVE) && news.incarnation <= known.incarnation && known.port",
    }],
  },
  {
    name: "stale-generation-accepted",
    what: "A former life of a name is taken for news of the present one.",
    caughtBy: ["views-grow", "no-return", "converges"],
    patches: [{
      file: "swim/verdicts.ts",
      search: "if (comparable && generation < lived) {",
      replace: "if (comparable && generation < lived && lived < 0) {",
    }],
  },
  {
    name: "own-stall-held-against-others",
    what: "What timed out while the process slept counts against those who were probed.",
    caughtBy: ["no-blameless-death"],
    patches: [{
      file: "swim/core.ts",
      search: "if (late > this.#settings.lagThresholdMs) this.#stalled(late);",
      replace: "if (late < 0) this.#stalled(late);",
    }],
  },
  {
    name: "suspicion-without-end",
    what: "A suspicion never becomes a death.",
    caughtBy: ["converges"],
    patches: [{
      file: "swim/verdicts.ts",
      search:
        'this.dead({ type: "dead", node, incarnation, from: self.name });\n    });\n  }\n\n  #clear',
      replace: "void [node, incarnation, self];\n    });\n  }\n\n  #clear",
    }],
  },
  {
    name: "refuted-suspicion-still-kills",
    what: "A suspicion that was refuted runs on to its end.",
    caughtBy: ["suspected-first"],
    patches: [{
      file: "swim/verdicts.ts",
      search: "    this.#clearSuspicion(member);\n    const port = portOf(news);",
      replace: "    const port = portOf(news);",
    }],
  },
  {
    name: "ping-for-another-name-acknowledged",
    what: "A node acknowledges the pings of whoever had its address before.",
    caughtBy: ["converges", "no-return"],
    patches: [{
      file: "swim/answers.ts",
      search: 'if (ping.node !== "" && ping.node !== self.name) {',
      replace: 'if (ping.node === "" && self.name === "") {',
    }],
  },
  {
    name: "checksum-unchecked",
    what: "A packet whose checksum is wrong is read.",
    caughtBy: ["labels-apart", "incarnations-grow", "converges", "views-grow"],
    patches: [{
      file: "swim/wire/packet.ts",
      search: "if (actual !== expected) {",
      replace: "if (actual < 0) {",
    }],
  },
  {
    name: "broken-packet-throws",
    what: "A packet that cannot be decoded ends the process.",
    caughtBy: ["core-never-throws"],
    patches: [{
      file: "swim/wire/packet.ts",
      search: "if (!(error instanceof DecodeError)) throw error;",
      replace: "if (error instanceof Error) throw error;",
    }],
  },
  {
    name: "older-broadcast-not-replaced",
    what: "News of a member is queued beside the older news that it replaces.",
    caughtBy: ["bounded", "queues-drain", "views-grow", "no-return", "incarnations-grow"],
    patches: [{
      file: "swim/broadcast_queue.ts",
      search: "    this.drop(broadcast.name);\n",
      replace: "    this.#byName.delete(broadcast.name);\n",
    }],
  },
  {
    name: "declaration-out-of-order",
    what: "An older declaration of a node's state replaces a newer one.",
    caughtBy: ["converges", "queues-drain"],
    patches: [{
      file: "swim/peer_states.ts",
      search: "if (time < known.time) return undefined;",
      replace: "if (time < 0n) return undefined;",
    }],
  },
  {
    name: "view-by-order-of-arrival",
    what: "New peers are listed last, not in the order of their names.",
    caughtBy: ["view-well-formed"],
    patches: [{
      file: "swim/peer_view.ts",
      search: "this.#sorted.splice(at, replaces ? 1 : 0, ",
      replace: "this.#sorted.splice(replaces ? at : this.#sorted.length, replaces ? 1 : 0, ",
    }],
  },
  {
    name: "join-forgets-who-failed",
    what: "An address that does not answer leaves the join that dialled it waiting.",
    caughtBy: ["operations-end", "converges"],
    patches: [{
      file: "swim/exchanges.ts",
      search: "    own.join.ended(own.to, reason);",
      replace: "    if (reason !== undefined) return;\n    own.join.ended(own.to, reason);",
    }],
  },
  {
    name: "moved-node-not-followed",
    what: "A newer life of a name is kept at the address of the older one.",
    caughtBy: ["converges", "no-blameless-death"],
    patches: [{
      file: "swim/verdicts.ts",
      search: "    member.address = address;\n    const updated",
      replace: "    if (member.address === '') member.address = address;\n    const updated",
    }],
  },
]);
