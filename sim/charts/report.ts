import type { Protocol, Settings } from "../protocol.ts";
import type { Line, LineChart } from "./line_chart.ts";
import { detectionMs, falseDeathsAnHour, solitudeMs, spreadMs, traffic } from "./measure.ts";

/** How much is measured. */
export interface ChartScale {
  /** Cluster sizes, ascending. */
  readonly sizes: readonly number[];
  /** Shares of packets lost. */
  readonly losses: readonly number[];
  /** Size of the cluster where that is not what varies. */
  readonly nodes: number;
  /** Runs with different seeds that are averaged. */
  readonly seeds: number;
  /** How long mistakes and bytes are counted, virtual milliseconds. */
  readonly forMs: number;
}

/** What a page for people shows. */
export const FULL_SCALE: ChartScale = Object.freeze({
  sizes: Object.freeze([5, 10, 30, 100, 200]),
  losses: Object.freeze([0, 0.1, 0.3, 0.5]),
  nodes: 20,
  seeds: 3,
  forMs: 120_000,
});

/** Share of packets lost where mistakes are counted. */
const LOSS = 0.3;
/** Nodes at most where one is cut off: it probes all others in turn. */
const FEW = 6;

/** Measures and draws all charts of a protocol; `say` hears of each. */
export function chartsOf(
  protocol: Protocol,
  scale: ChartScale,
  say: (line: string) => void = () => {},
): readonly LineChart[] {
  const { base, sensitivity } = protocol.charts;
  const { sizes, losses, nodes, seeds, forMs } = scale;
  const seedsFrom1 = Array.from({ length: seeds }, (_, i) => i + 1);
  const strategy = protocol.strategy(base);
  const charts: LineChart[] = [];
  const add = (chart: LineChart): void => {
    charts.push(chart);
    say(chart.title);
  };

  const spreadOf = (nodes: number, loss: number): Line["points"] =>
    curve(spreadMs({ strategy, nodes, seed: 1, loss }, 2 * seeds), nodes - 1);
  const spread = {
    xLabel: "milliseconds after the change",
    yLabel: "nodes that know, %",
    maxY: 100,
  };
  add({
    title: "One change of state spreads, by the number of nodes",
    caption: `No loss. Median of ${2 * seeds} changes. ${words(base)}.`,
    ...spread,
    lines: sizes.filter((size) => size > 5).map((size) => ({
      name: `${size} nodes`,
      points: spreadOf(size, 0),
    })),
  });
  const lossy = losses.map((loss) => ({
    name: `${Math.round(loss * 100)} % lost`,
    points: spreadOf(nodes, loss),
  }));
  // One who is missed by all gossip hears of it in a push/pull, long after the rest.
  const longest = 4 * (lossy[0]?.points.at(-1)?.x ?? Infinity);
  add({
    title: "One change of state spreads, by loss",
    caption:
      `${nodes} nodes. Median of ${2 * seeds} changes. ${words(base)}. Lines that end early: ` +
      "the rest heard of it later than the picture shows, in a push/pull.",
    ...spread,
    lines: lossy.map(({ name, points }) => ({
      name,
      points: points.filter(({ x }) => x <= longest),
    })),
  });

  const names = [...new Set(sensitivity.points.map(({ line }) => line))];
  const byLine = (measure: (settings: Settings) => number): readonly Line[] =>
    names.map((name) => ({
      name,
      points: sensitivity.points.filter(({ line }) => line === name).map(({ x, settings }) => ({
        x,
        y: measure(settings),
      })),
    }));
  add({
    title: "Time until all have noticed a death",
    caption: `${nodes} nodes, one crashes, no loss. Mean of ${seeds} runs. ${words(base)}.` +
      (sensitivity.coincide === undefined ? "" : ` ${sensitivity.coincide}.`),
    xLabel: sensitivity.xLabel,
    yLabel: "seconds until the last one knows",
    lines: byLine((settings) =>
      mean(seedsFrom1.map((seed) => {
        const lost = detectionMs({ strategy: protocol.strategy(settings), nodes, seed });
        return (lost.at(-1) ?? 600_000) / 1000;
      }))
    ),
  });
  const few = Math.min(nodes, FEW);
  add({
    title: "Time until one who is cut off has noticed",
    caption: `${few} nodes, one hears nobody any more, and nobody is there to confirm what it ` +
      `suspects. Mean of ${seeds} runs. ${words(base)}.`,
    xLabel: sensitivity.xLabel,
    yLabel: "seconds until it sees itself alone",
    lines: byLine((settings) =>
      mean(seedsFrom1.map((seed) => {
        const lonelyMs = solitudeMs({ strategy: protocol.strategy(settings), nodes: few, seed });
        return Math.min(lonelyMs, 600_000) / 1000;
      }))
    ),
  });
  add({
    title: "Living ones taken for dead",
    caption: `${nodes} nodes, ${LOSS * 100} % of all packets lost for ${forMs / 60_000} minutes. ` +
      `Mean of ${seeds} runs. ${words(base)}.`,
    xLabel: sensitivity.xLabel,
    yLabel: "false deaths that a node sees, an hour",
    lines: byLine((settings) =>
      mean(seedsFrom1.map((seed) =>
        falseDeathsAnHour({
          strategy: protocol.strategy(settings),
          nodes,
          seed,
          loss: LOSS,
          forMs,
        })
      ))
    ),
  });

  const sent = sizes.map((size) => ({
    size,
    ...traffic({ strategy, nodes: size, seed: 1, forMs }),
  }));
  add({
    title: "What a node sends, at peace",
    caption: `Nothing happens for ${forMs / 60_000} minutes. Bytes of the protocol, without ` +
      `those of the transport. ${words(base)}.`,
    xLabel: "nodes",
    yLabel: "bytes a second",
    logX: true,
    lines: [
      {
        name: "all",
        points: sent.map(({ size, packets, streams }) => ({ x: size, y: packets + streams })),
      },
      { name: "packets", points: sent.map(({ size, packets }) => ({ x: size, y: packets })) },
      { name: "whole states", points: sent.map(({ size, streams }) => ({ x: size, y: streams })) },
    ],
  });
  return charts;
}

// The k-th node's instant, the median over the runs; a run in which it never heard counts as endless.
function curve(runs: readonly (readonly number[])[], nodes: number): Line["points"] {
  const points = [{ x: 0, y: 0 }];
  for (let k = 0; k < nodes; k++) {
    const times = runs.map((heard) => heard[k] ?? Infinity).sort((a, b) => a - b);
    const x = times[times.length >> 1]!;
    if (x === Infinity) break;
    points.push({ x, y: (k + 1) * 100 / nodes });
  }
  return points;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function words(settings: Settings): string {
  const all = Object.entries(settings).map(([name, value]) => `${name} ${value}`).join(", ");
  return `Settings: ${all}`;
}
