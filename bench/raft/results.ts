/** Writes `bench/RESULTS-raft.md`. */
import type { Measured, Row, Target } from "./rows.ts";

/** What one contender's measurements of a row came to. */
export interface Cell {
  readonly measured: readonly Measured[];
  /** Why measurements did not count. */
  readonly voids: readonly string[];
}

/** A row with what everybody reached. A contender that never does this is missing. */
export interface RowResult {
  readonly row: Row;
  readonly cells: ReadonlyMap<string, Cell>;
}

/** A run. */
export interface Run {
  readonly results: readonly RowResult[];
  /** `go` first, then ours. */
  readonly contenders: readonly string[];
  readonly machine: string;
  /** `fdatasync`s a second of each of three writers. */
  readonly fsyncsPerSecond: number;
  readonly loads: string;
  readonly date: string;
  readonly command: string;
  /** What was measured how long. */
  readonly scale: string;
}

const RIVAL = "go";

/** The middle value, or the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

function amount(value: number, unit: Row["unit"]): string {
  return unit === "ms"
    ? value >= 10 ? Math.round(value).toLocaleString("en") : value.toFixed(1)
    : Math.round(value).toLocaleString("en");
}

function values(cell: Cell | undefined): readonly number[] {
  return cell?.measured.map(({ value }) => value) ?? [];
}

/** `median [min–max] (p50 / p99 ms; CPU µs an operation)`. */
export function showCell(cell: Cell | undefined, unit: Row["unit"]): string {
  if (cell === undefined) return "–";
  const all = values(cell);
  const voids = cell.voids.length === 0 ? "" : ` **${cell.voids.length} void**`;
  if (all.length === 0) return `**void**`;
  const range = all.length === 1
    ? ""
    : ` [${amount(Math.min(...all), unit)}–${amount(Math.max(...all), unit)}]`;
  const of = (pick: (one: Measured) => number | undefined) => {
    const some = cell.measured.map(pick).filter((value) => value !== undefined);
    return some.length === 0 ? undefined : median(some);
  };
  const [p50, p99, cpu] = [
    of(({ p50Ms }) => p50Ms),
    of(({ p99Ms }) => p99Ms),
    of(({ cpuUs }) => cpuUs),
  ];
  const latency = p50 === undefined ? "" : ` (${p50.toPrecision(2)} / ${p99!.toPrecision(2)} ms)`;
  return `${amount(median(all), unit)}${range}${latency}${
    cpu === undefined ? "" : `, ${cpu.toFixed(0)} µs`
  }${voids}`;
}

/** Whether a target is met: `undefined` when there is nothing to compare. */
export function meets(
  target: Target,
  unit: Row["unit"],
  ours: number | undefined,
  theirs: number | undefined,
): boolean | undefined {
  if (ours === undefined) return undefined;
  const reaches = (value: number, goal: number) => unit === "ms" ? value <= goal : value >= goal;
  if (target.value !== undefined && reaches(ours, target.value)) return true;
  if (target.ratio === undefined) return false;
  return theirs === undefined ? undefined : reaches(ours / theirs, target.ratio);
}

function showTarget({ value, ratio }: Target, unit: Row["unit"]): string {
  const sign = unit === "ms" ? "≤" : "≥";
  return [
    ...(value === undefined ? [] : [`${sign} ${value.toLocaleString("en")} ${unit}`]),
    ...(ratio === undefined ? [] : [`${sign} ${ratio}×`]),
  ].join(" or ");
}

const titles: Readonly<Record<Row["section"], string>> = {
  writes: "Commands committed a second",
  failover: "From the leader's death to the first commit under the next",
  reads: "Linearizable reads a second",
  "catch-up": "From the start of a follower to the last command that it missed",
};
const notes: Readonly<Record<Row["section"], string>> = {
  writes:
    "Median [min–max] of the rounds, in parentheses latency p50 / p99, then processor time of all three nodes, load included, for one command. `memory`: hashicorp's inmem store; `fsync`: boltdb behind a LogCache; `nosync`: the same with NoSync. Batch: `MaxAppendEntries`, 64 by default.",
  failover:
    "SIGKILL, nobody calling, memory store. By the clock of the machine: from just before the kill to when the new leader had applied a command of its own.",
  reads:
    "Memory store. hashicorp: VerifyLeader, then wait until what was committed before is applied; it has no reads on followers.",
  "catch-up":
    "A follower is killed, misses commands, and is started again: includes the start of the process. By snapshot: 32 MiB of state.",
};

/** The file. */
export function render(run: Run): string {
  const ours = run.contenders.filter((name) => name !== RIVAL);
  let [met, missed, open] = [0, 0, 0];
  const sections = (Object.keys(titles) as Row["section"][]).flatMap((section) => {
    const some = run.results.filter(({ row }) => row.section === section);
    if (some.length === 0) return [];
    const lines = some.map(({ row, cells }) => {
      const all = new Map(run.contenders.map((name) => {
        const list = values(cells.get(name));
        return [name, list.length === 0 ? undefined : median(list)] as const;
      }));
      const ratios = ours.map((name) => {
        const [own, theirs] = [all.get(name), all.get(RIVAL)];
        return own === undefined || theirs === undefined ? "–" : `${(own / theirs).toFixed(2)}×`;
      });
      let verdict = "";
      if (row.target !== undefined) {
        const reached = ours.length === 0
          ? undefined
          : meets(row.target, row.unit, all.get(ours[0]!), all.get(RIVAL));
        if (reached === undefined) open++;
        else if (reached) met++;
        else missed++;
        verdict = `${showTarget(row.target, row.unit)}${
          reached === undefined ? "" : reached ? ": met" : ": **missed**"
        }`;
      }
      const shown = run.contenders.map((name) => showCell(cells.get(name), row.unit));
      return `| ${[row.name, ...shown, ...ratios, verdict].join(" | ")} |`;
    });
    const head = ["", ...run.contenders, ...ours.map((name) => `${name} ÷ ${RIVAL}`), "target"];
    return [
      `## ${titles[section]}\n\n${notes[section]}\n`,
      `| ${head.join(" | ")} |`,
      `| ${head.map(() => "---").join(" | ")} |`,
      ...lines,
      "",
    ];
  });
  const versions = run.contenders.map((name) => {
    const cell = run.results.map(({ cells }) => cells.get(name)?.measured[0]).find(Boolean);
    return `- ${name}: ${cell?.version ?? "nothing measured"}.`;
  });
  const voids = run.results.flatMap(({ row, cells }) =>
    [...cells].flatMap(([name, cell]) => cell.voids.map((why) => `- ${row.name}, ${name}: ${why}`))
  );
  return `# Raft: measurements

Written by \`${run.command}\` on ${run.date}: do not edit.

- Machine: ${run.machine}; load average at the beginning and the end ${run.loads}.
${versions.join("\n")}
- Three processes on loopback, the load generator in the leader's, closed loop, no core pinned; a new cluster with empty folders for every
  measurement, everybody in turn (A B A B …). ${run.scale}
- The disk: three writers at once make ${
    run.fsyncsPerSecond.toLocaleString("en", { maximumFractionDigits: 0 })
  } \`fdatasync\`s a second each, ${
    (1_000 / run.fsyncsPerSecond).toFixed(2)
  } ms for one. With one caller a command takes that and what it
  takes in memory, at least.
- A measurement counts only if all nodes end with equal hashes over the commands they applied, and applied what was acknowledged, no
  more and no less.
- ${
    ours.length === 0
      ? `Only ${RIVAL} was measured; ${open} targets wait for ours.`
      : `${met} targets met, ${missed} missed${open === 0 ? "" : `, ${open} open`}: ${
        ours[0]
      } against ${RIVAL}.`
  }

${sections.join("\n")}${voids.length === 0 ? "" : `\n## Void\n\n${voids.join("\n")}\n`}`;
}
