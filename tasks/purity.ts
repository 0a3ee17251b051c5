/**
 * The lint rules that keep the cores pure and the library quiet. `purity/core`: in `shard/`, `gossip/` and the core of `raft/` no clock, no randomness, no timers,
 * no `await`, no logging, no `node:*`, and no import of an edge. Tests and
 * harnesses beside them are exempt. `purity/quiet`: no published file writes to the console; what is worth saying goes through the logger.
 */

/** Of the storage of Raft: the formats, the log's state machine and its recovery. */
const PURE_STORAGE =
  /(^|\/)raft\/(wal\/(batch|checksum|core|identity|log_image|open_segment|record|recover|segment|segment_head|segment_list|step|wal_contract)|snapshot\/(format|snapshot_id))\.ts$/;
const PURE = /(^|\/)(shard|gossip)\/(?!.*(_test|_bench|_harness\w*|_conformance)\.ts$)[^]*\.ts$/;
/** The core of Raft; its drivers and stores stand in the same folder. */
const RAFT_CORE =
  /(^|\/)raft\/(applying|bootstrap|config|config_change|contract|core|election|entry|following|inflights|lease|log|message|message_check|options|outbox|progress|proposing|quorum|read_index|reconfiguration|recovery|replication|snapshots|state|status|tracker|transfer)\.ts$/;
const PUBLISHED =
  /(^|\/)(shard|gossip|raft|membership|transport|memconn|advertise|discovery|metrics)\/(?!.*(_test|_bench|_harness\w*|_conformance)\.ts$)[^]*\.ts$/;
const EDGES =
  /(^|\/)(membership|transport|memconn|advertise|discovery|metrics|cluster|etcd|client|migrate|cli|dashboard)\//;
const GLOBALS = new Set([
  "Date",
  "performance",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "console",
  "crypto",
  "fetch",
  "process",
  "Deno",
  "Bun",
  // The way around all of the above.
  "globalThis",
  "global",
  "window",
]);

function isPure(context: Deno.lint.RuleContext): boolean {
  return [PURE, PURE_STORAGE, RAFT_CORE].some((pattern) => pattern.test(context.filename)) &&
    !/\/(links|tasks|interop|bench|testdata)\//.test(context.filename);
}

const NOT_SHIPPED = /\/(links|tasks|interop|bench|testdata)\//;

const plugin: Deno.lint.Plugin = {
  name: "purity",
  rules: {
    core: {
      create(context) {
        if (!isPure(context)) return {};
        const source = (node: { source: { value?: unknown } | null }) => {
          if (node.source === null) return;
          const from = node.source.value;
          if (typeof from !== "string") {
            context.report({
              node: node as never,
              message: "A core cannot import what it computes",
            });
            return;
          }
          if (from.startsWith("node:")) {
            context.report({ node: node as never, message: `A core cannot import ${from}` });
          }
          if (EDGES.test(from)) {
            context.report({
              node: node as never,
              message: `A core cannot import the edge ${from}`,
            });
          }
        };
        return {
          ImportDeclaration: source as never,
          ExportNamedDeclaration: source as never,
          ExportAllDeclaration: source as never,
          ImportExpression: source as never,
          "ForOfStatement[await=true]"(node: Deno.lint.Node) {
            context.report({ node, message: "A core cannot await" });
          },
          AwaitExpression(node) {
            context.report({ node, message: "A core cannot await" });
          },
          "Identifier[name='Math']"(node: Deno.lint.Identifier) {
            const { parent } = node;
            const named = parent.type === "MemberExpression" && parent.object === node &&
              !parent.computed && parent.property.type === "Identifier" &&
              parent.property.name !== "random";
            const property = parent.type === "MemberExpression" && parent.property === node;
            const key = "key" in parent && parent.key === node;
            if (named || property || key) return;
            context.report({ node, message: "A core takes its randomness as a parameter" });
          },
          Identifier(node) {
            if (!GLOBALS.has(node.name)) return;
            const parent = node.parent as {
              type: string;
              property?: unknown;
              computed?: boolean;
              key?: unknown;
            };
            if (
              parent.type === "MemberExpression" && parent.property === node && !parent.computed
            ) return;
            if ("key" in parent && parent.key === node) return;
            context.report({ node, message: `A core cannot use the global ${node.name}` });
          },
          "FunctionDeclaration[async=true], FunctionExpression[async=true], ArrowFunctionExpression[async=true]"(
            node: Deno.lint.Node,
          ) {
            context.report({ node, message: "A core cannot be async" });
          },
        };
      },
    },
    quiet: {
      create(context) {
        if (!PUBLISHED.test(context.filename) || NOT_SHIPPED.test(context.filename)) return {};
        return {
          "MemberExpression[object.name='console']"(node) {
            context.report({ node, message: "A library does not write to the console" });
          },
        };
      },
    },
  },
};

export default plugin;
