/** One line of a {@link LineChart}. */
export interface Line {
  readonly name: string;
  /** In order of `x`. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** What a chart shows. */
export interface LineChart {
  readonly title: string;
  /** One sentence on how to read it. */
  readonly caption: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly Line[];
  /** Equal factors, not equal steps, lie equally far apart. @default {false} */
  readonly logX?: boolean;
  /** Where the axis ends. @default {the largest value} */
  readonly maxY?: number;
}

const [WIDTH, HEIGHT] = [640, 380];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 120, 16, 52];
/** Told apart also by those who do not see red and green alike (Okabe and Ito 2008). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444"];
const LABEL_HEIGHT = 15;
/** Lines that lie on each other show through the gaps of those drawn later. */
const DASHES = ["none", "9 6", "3 7"];

/** Draws a chart as SVG, to stand in an HTML page. */
export function svgOf(chart: LineChart): string {
  const all = chart.lines.flatMap(({ points }) => points);
  const xs = all.map(({ x }) => x);
  const scale = chart.logX ? (x: number) => Math.log10(x) : (x: number) => x;
  const [minX, maxX] = [Math.min(...xs), Math.max(...xs)];
  const ticksY = ticks(chart.maxY ?? Math.max(...all.map(({ y }) => y), 0));
  const topY = ticksY.at(-1)!;
  const span = scale(maxX) - scale(minX) || 1;
  const px = (x: number): number => LEFT + (scale(x) - scale(minX)) / span * (WIDTH - LEFT - RIGHT);
  const py = (y: number): number => HEIGHT - BOTTOM - y / topY * (HEIGHT - TOP - BOTTOM);
  const ticksX = chart.logX
    ? [...new Set(xs)].sort((a, b) => a - b)
    : ticks(maxX).filter((x) => x >= minX && x <= maxX);
  const parts = [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(chart.title)}">`,
    ...ticksY.map((y) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(py(y))}" y2="${
        at(py(y))
      }"/>` +
      `<text x="${LEFT - 8}" y="${at(py(y) + 4)}" text-anchor="end">${short(y)}</text>`
    ),
    ...ticksX.map((x) =>
      `<line class="tick" x1="${at(px(x))}" x2="${at(px(x))}" y1="${HEIGHT - BOTTOM}" y2="${
        HEIGHT - BOTTOM + 5
      }"/>` +
      `<text x="${at(px(x))}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${short(x)}</text>`
    ),
    `<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${HEIGHT - BOTTOM}" y2="${
      HEIGHT - BOTTOM
    }"/>`,
    `<text class="label" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${
      HEIGHT - 10
    }" text-anchor="middle">${escaped(chart.xLabel)}</text>`,
    `<text class="label" transform="translate(16 ${
      (TOP + HEIGHT - BOTTOM) / 2
    }) rotate(-90)" text-anchor="middle">${escaped(chart.yLabel)}</text>`,
  ];
  const ends = labelHeights(
    chart.lines.map(({ points }) => py(Math.min(topY, points.at(-1)?.y ?? 0))),
  );
  chart.lines.forEach(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const path = points.map(({ x, y }) => `${at(px(x))},${at(py(Math.min(topY, y)))}`).join(" ");
    const stroke = `stroke="${colour}" stroke-width="2" stroke-dasharray="${
      chart.lines.length > DASHES.length ? "none" : DASHES[i]
    }"`;
    parts.push(`<polyline fill="none" ${stroke} points="${path}"/>`);
    if (points.length <= 12) {
      for (const { x, y } of points) {
        parts.push(
          `<circle cx="${at(px(x))}" cy="${at(py(Math.min(topY, y)))}" r="3" fill="${colour}">` +
            `<title>${escaped(name)}: ${short(y)} at ${short(x)}</title></circle>`,
        );
      }
    }
    parts.push(
      `<line ${stroke} x1="${WIDTH - RIGHT + 8}" x2="${WIDTH - RIGHT + 20}" y1="${
        at(ends[i]!)
      }" y2="${at(ends[i]!)}"/>` +
        `<text x="${WIDTH - RIGHT + 25}" y="${at(ends[i]! + 4)}">${escaped(name)}</text>`,
    );
  });
  return `${parts.join("\n")}\n</svg>`;
}

/** Round values from 0 up to the first at or above the largest. */
export function ticks(most: number): readonly number[] {
  if (!(most > 0)) return [0, 1];
  let step = 10 ** Math.floor(Math.log10(most));
  for (const factor of [0.2, 0.5, 1, 2]) {
    if (most / (step * factor) > 6) continue;
    step *= factor;
    break;
  }
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

// Moves labels apart, from the top down, then back up from the bottom.
function labelHeights(wanted: readonly number[]): readonly number[] {
  const order = wanted.map((y, i) => ({ y, i })).sort((a, b) => a.y - b.y);
  for (let k = 1; k < order.length; k++) {
    order[k]!.y = Math.max(order[k]!.y, order[k - 1]!.y + LABEL_HEIGHT);
  }
  let floor = HEIGHT - BOTTOM;
  for (let k = order.length - 1; k >= 0; k--) {
    order[k]!.y = Math.min(order[k]!.y, floor);
    floor = order[k]!.y - LABEL_HEIGHT;
  }
  const heights = [...wanted];
  for (const { y, i } of order) heights[i] = y;
  return heights;
}

/** A number for people: thousands as `k`, no more digits than tell. */
export function short(value: number): string {
  if (Math.abs(value) >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

function at(pixel: number): string {
  return pixel.toFixed(1);
}

/** Text that cannot become markup. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
