import { escaped, type LineChart, short, svgOf } from "./line_chart.ts";

/** What a page says. */
export interface Page {
  readonly title: string;
  /** How the figures came about: the command, the runtime, the day. */
  readonly about: string;
  readonly charts: readonly LineChart[];
}

const STYLE = `
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 1360px; padding: 24px; background: #fff; color: #222;
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 0; }
p { margin: 4px 0 8px; color: #555; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(520px, 100%), 1fr)); gap: 32px; margin-top: 24px; }
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; fill: #333; }
.grid { stroke: #e4e4e4; } .axis, .tick { stroke: #888; } .label { fill: #555; }
details { color: #555; } table { border-collapse: collapse; font-size: 13px; }
td, th { padding: 2px 10px 2px 0; text-align: right; } th:first-child, td:first-child { text-align: left; }
@media (max-width: 620px) { body { padding: 16px; } svg { font-size: 15px; } table { display: block; overflow-x: auto; } }
`;

/** A whole HTML page: light, without scripts, and without anything from elsewhere. */
export function pageOf(page: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(page.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(page.title)}</h1>
<p>${escaped(page.about)}</p>
<main>
${page.charts.map(section).join("\n")}
</main>
</body>
</html>
`;
}

function section(chart: LineChart): string {
  return `<section>
<h2>${escaped(chart.title)}</h2>
<p>${escaped(chart.caption)}</p>
${svgOf(chart)}
${chart.lines.some(({ points }) => points.length > 12) ? "" : tableOf(chart)}
</section>`;
}

// The same figures for those who cannot see the lines.
function tableOf({ xLabel, lines }: LineChart): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))]
    .sort((a, b) => a - b);
  const rows = lines.map(({ name, points }) => {
    const values = new Map(points.map(({ x, y }) => [x, y]));
    const cells = xs.map((x) => {
      const y = values.get(x);
      return `<td>${y === undefined ? "" : short(y)}</td>`;
    });
    return `<tr><td>${escaped(name)}</td>${cells.join("")}</tr>`;
  });
  return `<details><summary>Figures</summary><table>
<tr><th>${escaped(xLabel)}</th>${xs.map((x) => `<th>${short(x)}</th>`).join("")}</tr>
${rows.join("\n")}
</table></details>`;
}
