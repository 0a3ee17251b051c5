import type { PlantedBug } from "./patch.ts";

/** The bugs of Scuttlebutt that the simulator must find. */
export const scuttlebuttBugs: readonly PlantedBug[] = Object.freeze([
  {
    name: "gap-accepted",
    what: "A delta that begins above what is held is applied all the same.",
    caughtBy: ["prefix"],
    patches: [{
      file: "scuttlebutt/table.ts",
      search: "} else if (block.from > record.version) {",
      replace: "} else if (block.from < 0) {",
    }, {
      file: "scuttlebutt/table.ts",
      search: "if (block.from > 0) return this.#refuseGap(block, 0);",
      replace: "",
    }],
  },
  {
    name: "old-entry-applied",
    what: "An entry that is older than what is held is applied again.",
    caughtBy: ["prefix", "versions-grow", "events-replay"],
    patches: [{
      file: "scuttlebutt/table.ts",
      search: "if (entry.version <= record.version) continue;",
      replace: "if (entry.version === record.version) continue;",
    }],
  },
  {
    name: "marker-ignored",
    what: "The marker of a compaction removes nothing.",
    caughtBy: ["prefix"],
    patches: [{
      file: "scuttlebutt/table.ts",
      search: "record.removeUpTo(Number(entry.value))",
      replace: "record.removeUpTo(-1)",
    }],
  },
  {
    name: "compaction-drops-the-last",
    what: "A compaction forgets the key that was written last.",
    caughtBy: ["own-keys", "prefix", "maps-agree"],
    patches: [{
      file: "scuttlebutt/self.ts",
      search: "for (const { key, value, internal } of kept) this.#put(",
      replace: "for (const { key, value, internal } of kept.slice(0, -1)) this.#put(",
    }],
  },
  {
    name: "entry-too-large-skipped",
    what: "An entry that does not fit is left out, and later ones are sent around it.",
    caughtBy: ["prefix"],
    patches: [{
      file: "scuttlebutt/delta.ts",
      search: "      if (bytes > (this.#entries.length === 0 ? most : share)) break;\n",
      replace:
        "      if (bytes > (this.#entries.length === 0 ? most : share)) {\n        const after = record.next(next.entry.version);\n        if (after === undefined) break;\n        next = after;\n        continue;\n      }\n",
    }],
  },
  {
    name: "more-ignored",
    what: "What is too large for packets is not fetched by a stream.",
    caughtBy: ["maps-agree", "converges"],
    patches: [{
      file: "scuttlebutt/packets.ts",
      search: "if (applyDelta(this.#parts, delta)) this.#parts.more(source.addr);",
      replace: "applyDelta(this.#parts, delta);",
    }],
  },
  {
    name: "ghosts-welcome",
    what: "A life that was removed is taken in again without a new sign of life.",
    caughtBy: ["no-ghosts", "falls-silent", "maps-agree", "converges"],
    patches: [{
      file: "scuttlebutt/graveyard.ts",
      search: "return sign.heartbeat <= grave.heartbeat;",
      replace: "return sign.heartbeat < 0;",
    }, {
      file: "scuttlebutt/table.ts",
      search:
        "return !record.down || this.#turn.clock < record.expiry! - this.#settings.downExpiryMs / 2;",
      replace: "return record.version >= 0;",
    }, {
      file: "scuttlebutt/table.ts",
      search: "    return !record.left && !record.down;\n  }\n\n  /** Whether peers hold more",
      replace: "    return !record.left;\n  }\n\n  /** Whether peers hold more",
    }],
  },
  {
    name: "own-name-never-defended",
    what: "A node that hears of a later life of its own name stays at its generation.",
    caughtBy: ["converges", "maps-agree"],
    patches: [{
      file: "scuttlebutt/self.ts",
      search: "record.generation = generation + 1;",
      replace: "record.generation = Math.max(record.generation, 1);",
    }],
  },
  {
    name: "own-stall-held-against-others",
    what: "The time in which the process slept counts as silence of all others.",
    caughtBy: ["no-blameless-death"],
    patches: [{
      file: "scuttlebutt/turn.ts",
      search: "Math.min(Math.max(0, now - this.now), this.#maxStepMs)",
      replace: "Math.max(0, now - this.now)",
    }],
  },
  {
    name: "relayed-heartbeats-ignored",
    what: "Only what a node says of itself counts as a sign of its life.",
    caughtBy: ["no-blameless-death", "converges"],
    patches: [{
      file: "scuttlebutt/table.ts",
      search: "    this.#heard(record, heartbeat);\n    if (entry.left)",
      replace: "    if (entry.left)",
    }],
  },
  {
    name: "down-for-ever",
    what: "A node that is down does not come back when it is heard.",
    caughtBy: ["converges"],
    patches: [{
      file: "scuttlebutt/table.ts",
      search: "if (record.down ? !record.heard :",
      replace: "if (record.down ? record.heard || !record.heard :",
    }],
  },
  {
    name: "recompaction-told-to-watchers",
    what: "A key that only got a new version is told as if its value had changed.",
    caughtBy: ["events-replay"],
    patches: [{
      file: "scuttlebutt/table.ts",
      search: "} else if (!live || old.value !== value) {",
      replace: "} else {",
    }],
  },
  {
    name: "tombstone-told-twice",
    what: "A tombstone over a key that is not there is told as a deletion.",
    caughtBy: ["events-replay"],
    patches: [{
      file: "scuttlebutt/table.ts",
      search: "if (live) this.#turn.event(",
      replace: "this.#turn.event(",
    }],
  },
  {
    name: "empty-value-lost-after-delete",
    what: "A key set to the empty text after its deletion stays deleted, as in piko.",
    caughtBy: ["own-keys"],
    patches: [{
      file: "scuttlebutt/self.ts",
      search: "return entry === undefined || entry.deleted ? undefined : entry;",
      replace: "return entry;",
    }],
  },
  {
    name: "goodbye-not-remembered",
    what: "That a node left is told, and forgotten.",
    caughtBy: ["events-replay", "converges"],
    patches: [{
      file: "scuttlebutt/table.ts",
      search: "    record.left = true;\n    record.down = false;",
      replace: "    record.down = false;",
    }],
  },
  {
    name: "old-life-kept",
    what: "The keys of an older life stay when a newer one begins.",
    caughtBy: ["events-replay", "prefix", "versions-grow"],
    patches: [{
      file: "scuttlebutt/table.ts",
      search:
        "if (record !== undefined) this.#remove(record);\n      record = this.#create(block);",
      replace:
        "if (record !== undefined) record.generation = block.generation;\n      else record = this.#create(block);",
    }],
  },
  {
    name: "label-unchecked",
    what: "Packets of any cluster are taken in.",
    caughtBy: ["labels-apart", "versions-grow"],
    patches: [{
      file: "scuttlebutt/wire/frame.ts",
      search: "if (readU32(frame, 4) !== tag) return",
      replace: "if (tag < 0) return",
    }],
  },
  {
    name: "packet-over-the-limit",
    what: "The digest of an answer is fitted without the delta before it.",
    caughtBy: ["canonical"],
    patches: [{
      file: "scuttlebutt/packets.ts",
      search: "const digest = this.#digest(room - delta.bytes, wants);",
      replace: "const digest = this.#digest(room, wants);",
    }],
  },
  {
    name: "checksum-unchecked",
    what: "A packet whose checksum is wrong is read.",
    caughtBy: [
      "versions-grow",
      "prefix",
      "labels-apart",
      "events-replay",
      "converges",
      "maps-agree",
      "core-never-throws",
    ],
    patches: [{
      file: "scuttlebutt/wire/frame.ts",
      search: "if (readU32(frame, 8) !== checksum(frame)) return fail",
      replace: "if (frame.length < 0) return fail",
    }],
  },
]);
