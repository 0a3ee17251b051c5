import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import {
  ConfigDecodeError,
  configFault,
  decodeConfig,
  emptyConfig,
  encodeConfig,
  isJoint,
  membersOf,
} from "./config.ts";
import { changedConfig, ConfigHistory } from "./config_change.ts";
import type { ConfigChange, MemberChange } from "./contract.ts";
import type { ClusterConfig, NodeId } from "./entry.ts";

const names = ["a", "b", "c", "d", "e", "ü", "😀"];

/** A configuration in short: `voters / outgoing / learners / next`, `*` when it leaves by itself. */
function brief(config: ClusterConfig): string {
  const lists = [config.voters, config.votersOutgoing, config.learners, config.learnersNext];
  return lists.map((list) => list.join(" ")).join("/") + (config.autoLeave ? "*" : "");
}

function configOf(voters: readonly NodeId[], learners: readonly NodeId[] = []): ClusterConfig {
  return {
    ...emptyConfig,
    voters,
    learners,
    addresses: [...voters, ...learners].sort().map((id) => [id, `${id}:1`]),
  };
}

/** `+a` a voter, `~a` a learner, `-a` out. */
function wish(text: string, transition: "auto" | "joint" | "explicit" = "auto"): ConfigChange {
  return {
    type: "change",
    transition,
    changes: text.split(" ").filter((part) => part !== "").map((part): MemberChange => {
      const id = part.slice(1);
      if (part[0] === "-") return { type: "remove", id };
      return { type: part[0] === "+" ? "addVoter" : "addLearner", id, address: `${id}:2` };
    }),
  };
}

function after(config: ClusterConfig, ...changes: ConfigChange[]): string {
  for (const change of changes) {
    const result = changedConfig(config, change);
    if (!result.ok) return `illegal: ${result.detail}`;
    config = result.config;
  }
  return brief(config);
}

const change = fc.record({
  text: fc.array(
    fc.tuple(fc.constantFrom("+", "~", "-"), fc.constantFrom(...names)).map((parts) =>
      parts.join("")
    ),
    { minLength: 1, maxLength: 5 },
  ).map((parts) => parts.join(" ")),
  transition: fc.constantFrom("auto" as const, "joint" as const, "explicit" as const),
}).map(({ text, transition }) => wish(text, transition));
const leave: ConfigChange = { type: "leaveJoint" };
const walk = fc.array(fc.oneof(change, fc.constant(leave)), { maxLength: 12 });
const founders = fc.subarray(names, { minLength: 1 }).map((list) => configOf([...list].sort()));

/** Each configuration on the way. */
function* along(start: ClusterConfig, changes: readonly ConfigChange[]) {
  let before = start;
  for (const change of changes) {
    const result = changedConfig(before, change);
    if (!result.ok) continue;
    yield { before, change, after: result.config };
    before = result.config;
  }
}

describe("changedConfig()", () => {
  const abc = configOf(["a", "b", "c"]);

  it("has the table of simple changes", () => {
    const table: [string, string][] = [
      ["+d", "a b c d///"],
      ["-c", "a b///"],
      ["~c", "a b//c/"],
      ["~d", "a b c//d/"],
      ["+a", "a b c///"],
      ["~d ~e", "a b c//d e/"],
      ["-d", "a b c///"],
      ["+d -d", "a b c///"],
      ["-a +a", "a b c///"],
    ];
    for (const [text, expected] of table) assertEquals(after(abc, wish(text)), expected, text);
  });

  it("goes joint for more than one vote (C3)", () => {
    const table: [string, string][] = [
      ["+d -a", "b c d/a b c//*"],
      ["+d +e", "a b c d e/a b c//*"],
      ["-a -b", "c/a b c//*"],
      ["~a ~b", "c/a b c//a b*"],
      ["~a +d ~e", "b c d/a b c/e/a*"],
    ];
    for (const [text, expected] of table) assertEquals(after(abc, wish(text)), expected, text);
    assertEquals(after(abc, wish("+d", "joint")), "a b c d/a b c//*");
    assertEquals(after(abc, wish("~d", "explicit")), "a b c/a b c/d/");
  });

  it("parks a demoted voter until it leaves (C7)", () => {
    assertEquals(after(abc, wish("~a +d", "explicit")), "b c d/a b c//a");
    assertEquals(after(abc, wish("~a +d", "explicit"), leave), "b c d//a/");
    assertEquals(after(abc, wish("~a +a +d", "explicit"), leave), "a b c d///");
    assertEquals(after(abc, wish("-a +d", "explicit"), leave), "b c d///");
  });

  it("says what is illegal (C5)", () => {
    const one = configOf(["a"], ["l"]);
    const table: [ClusterConfig, ConfigChange[]][] = [
      [one, [wish("-a")]],
      [one, [wish("~a")]],
      [one, [wish("-a", "joint")]],
      [one, [wish("")]],
      [one, [leave]],
      [abc, [wish("+d +e"), wish("+d")]],
      [abc, [wish("+d +e"), leave, leave]],
      [emptyConfig, [wish("+a +b")]],
      [emptyConfig, [wish("+a", "joint")]],
      [abc, [wish(`+${"x".repeat(256)}`)]],
    ];
    for (const [config, changes] of table) {
      assert(after(config, ...changes).startsWith("illegal: "), after(config, ...changes));
    }
  });

  it("keeps an outgoing voter's address until it leaves, and replaces a known one", () => {
    const joint = changedConfig(abc, wish("-a +d", "explicit"));
    assert(joint.ok);
    assertEquals(joint.config.addresses.map(([id]) => id), ["a", "b", "c", "d"]);
    const left = changedConfig(joint.config, leave);
    assert(left.ok);
    assertEquals(left.config.addresses, [["b", "b:1"], ["c", "c:1"], ["d", "d:2"]]);
    const moved = changedConfig(abc, wish("+a"));
    assert(moved.ok);
    assertEquals(moved.config.addresses[0], ["a", "a:2"]);
  });

  it("only makes legal configurations", () => {
    fc.assert(fc.property(founders, walk, (start, changes) => {
      for (const { after } of along(start, changes)) assertEquals(configFault(after), undefined);
    }));
  });

  it("any two majorities that could decide before and after have a member in common", () => {
    const majorities = (voters: readonly NodeId[]) =>
      [...Array(1 << voters.length).keys()]
        .map((bits) => voters.filter((_, i) => bits & (1 << i)))
        .filter((some) => some.length * 2 > voters.length);
    const decide = (config: ClusterConfig) => {
      const incoming = majorities(config.voters);
      if (!isJoint(config)) return incoming;
      return incoming.flatMap((half) =>
        majorities(config.votersOutgoing).map((other) => [...half, ...other])
      );
    };
    fc.assert(
      fc.property(
        fc.subarray(names.slice(0, 4), { minLength: 1 }).map((list) => configOf([...list].sort())),
        walk,
        (start, changes) => {
          for (const { before, after } of along(start, changes)) {
            if (membersOf(after).length > 5) return;
            for (const a of decide(before)) {
              for (const b of decide(after)) {
                assert(a.some((id) => b.includes(id)), `${brief(before)} → ${brief(after)}`);
              }
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("ends where a joint change would, or a simple one", () => {
    fc.assert(fc.property(founders, change, (start, wished) => {
      if (wished.type !== "change") return;
      const outcome = (transition: "auto" | "joint" | "explicit") => {
        const entered = changedConfig(start, { ...wished, transition });
        if (!entered.ok) return undefined;
        const config = entered.config;
        if (!isJoint(config)) return config;
        const left = changedConfig(config, leave);
        return left.ok ? left.config : undefined;
      };
      assertEquals(outcome("auto"), outcome("joint"));
      assertEquals(outcome("explicit"), outcome("joint"));
    }));
  });
});

describe("the configuration's bytes", () => {
  it("are these", () => {
    const config = changedConfig(configOf(["a", "b"]), wish("+c ~a"));
    assert(config.ok);
    assertEquals(
      [...encodeConfig(config.config)],
      [
        [1, 1, 3, 0],
        [1, 97, 3, 0, 97, 58, 50, 2 + 8],
        [1, 98, 3, 0, 98, 58, 49, 1 + 2],
        [1, 99, 3, 0, 99, 58, 50, 1],
      ].flat(),
    );
    assertEquals([...encodeConfig(emptyConfig)], [1, 0, 0, 0]);
  });

  it("come back as they went", () => {
    fc.assert(fc.property(founders, walk, (start, changes) => {
      for (const { after } of along(start, changes)) {
        assertEquals(decodeConfig(encodeConfig(after)), after);
      }
    }));
  });

  it("decode strictly: what decodes encodes to the same", () => {
    const valid = changedConfig(configOf(["a", "b", "c"]), wish("+d ~a ~e"));
    assert(valid.ok);
    const bytes = encodeConfig(valid.config);
    let decoded = 0;
    const check = (mutant: Uint8Array) => {
      let config: ClusterConfig;
      try {
        config = decodeConfig(mutant);
      } catch (error) {
        assert(error instanceof ConfigDecodeError, `${error}`);
        return;
      }
      decoded++;
      assertEquals(encodeConfig(config), mutant);
    };
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const mutant = bytes.slice();
        mutant[at]! ^= 1 << bit;
        check(mutant);
      }
      assertThrows(() => decodeConfig(bytes.subarray(0, at)), ConfigDecodeError);
    }
    assertThrows(() => decodeConfig(new Uint8Array([...bytes, 0])), ConfigDecodeError, "follow");
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), check));
    assert(decoded > 0);
  });

  it("refuse what is no configuration", () => {
    const table: Partial<ClusterConfig>[] = [
      { voters: ["b", "a"] },
      { voters: ["a", "a"] },
      { voters: [""] },
      { voters: ["\ud800"] },
      { learners: ["a"] },
      { learnersNext: ["a"] },
      { autoLeave: true },
      { addresses: [] },
      { addresses: [["b", "x"]] },
    ];
    for (const part of table) {
      assertThrows(() => encodeConfig({ ...configOf(["a"]), ...part }), TypeError);
    }
  });
});

describe("ConfigHistory", () => {
  const configs = ["a", "b", "c", "d"].map((id) => configOf([id]));

  it("knows the configuration at each index, and brings back the one before", () => {
    const history = new ConfigHistory({ index: 1, config: configs[0]! });
    history.push({ index: 5, config: configs[1]! });
    history.push({ index: 8, config: configs[2]! });
    const at = (index: number) => history.at(index).config.voters[0];
    assertEquals([1, 4, 5, 7, 8, 99].map(at), ["a", "a", "b", "b", "c", "c"]);
    history.truncate(8);
    assertEquals(history.latest.index, 5);
    history.compact(6);
    assertEquals(at(1), "b");
    history.truncate(1);
    assertEquals(history.latest.config.voters, ["b"], "what is committed stays");
    history.reset({ index: 20, config: configs[3]! });
    assertEquals(at(30), "d");
  });
});
