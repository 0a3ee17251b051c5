import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { swim } from "../protocols/swim.ts";
import { escaped, type LineChart, short, svgOf, ticks } from "./line_chart.ts";
import { pageOf } from "./page.ts";
import { chartsOf } from "./report.ts";

/** Tags of a page that do not close, or close what is not open. */
function unbalanced(html: string): readonly string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  const empty = new Set(["!doctype", "meta"]);
  for (const [, slash, name, rest] of html.matchAll(/<(\/?)([!a-zA-Z][a-zA-Z0-9]*)([^>]*)>/g)) {
    if (empty.has(name!.toLowerCase()) || rest!.endsWith("/")) continue;
    if (slash === "") open.push(name!);
    else if (open.pop() !== name) wrong.push(name!);
  }
  return [...wrong, ...open];
}

const chart: LineChart = {
  title: 'a <b> & "c"',
  caption: "caption",
  xLabel: "x",
  yLabel: "y",
  lines: [
    { name: "one", points: [{ x: 1, y: 0 }, { x: 10, y: 5 }, { x: 100, y: 7 }] },
    { name: "two", points: [{ x: 1, y: 3 }, { x: 100, y: 7 }] },
  ],
};

describe("svgOf()", () => {
  it("draws every line within the picture, on linear and logarithmic axes", () => {
    for (const logX of [false, true]) {
      const svg = svgOf({ ...chart, logX });
      assertEquals(unbalanced(svg), []);
      const lines = [...svg.matchAll(/<polyline [^>]*points="([^"]*)"/g)].map(([, points]) =>
        points!.split(" ").map((point) => point.split(",").map(Number))
      );
      assertEquals(lines.map((points) => points.length), [3, 2]);
      for (const [x, y] of lines.flat()) assert(x! >= 64 && x! <= 520 && y! >= 0 && y! <= 330);
      // A larger value stands higher.
      assert(lines[0]![0]![1]! > lines[0]![1]![1]! && lines[0]![1]![1]! > lines[0]![2]![1]!);
      // Labels of lines that end at one place do not cover each other.
      const labels = [...svg.matchAll(/<text x="545" y="([\d.]+)"/g)].map(([, y]) => Number(y));
      assert(Math.abs(labels[0]! - labels[1]!) >= 14.9, `${labels}`);
    }
  });

  it("ticks() are round, few, and cover the largest value", () => {
    assertEquals(ticks(0), [0, 1]);
    assertEquals(ticks(7), [0, 2, 4, 6, 8]);
    for (const most of [0.03, 1, 9.99, 12, 100, 12_345]) {
      const marks = ticks(most);
      assert(marks.length >= 3 && marks.length <= 8, `${most}: ${marks}`);
      assert(marks.at(-1)! >= most && marks.at(-2)! < most, `${most}: ${marks}`);
    }
  });

  it("short() and escaped() are fit to be read", () => {
    assertEquals([short(0.12345), short(1234.5), short(123_456)], ["0.123", "1230", "123k"]);
    assertEquals(escaped('<a> & "b"'), "&lt;a&gt; &amp; &quot;b&quot;");
  });
});

describe("pageOf()", () => {
  it("is one file, light, without scripts and without anything from elsewhere", () => {
    const page = pageOf({ title: "t", about: "a", charts: [chart] });
    assertEquals(unbalanced(page), []);
    assert(!/<script|src=|href=|url\(|@import|https?:/.test(page));
    assert(page.includes("a &lt;b&gt; &amp;"));
  });
});

describe("chartsOf()", () => {
  it("measures all that the page shows, the same each time", { timeout: 300_000 }, () => {
    const scale = { sizes: [3, 6], losses: [0, 0.3], nodes: 4, seeds: 1, forMs: 4000 };
    const charts = chartsOf(swim, scale);
    assertEquals(charts.length, 6);
    for (const { lines, title } of charts) {
      assert(lines.length > 0, title);
      for (const { name, points } of lines) {
        assert(points.length > 1, `${title}: ${name}`);
        assert(points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y) && y >= 0));
      }
    }
    assertEquals(unbalanced(pageOf({ title: "t", about: "a", charts })), []);
    const [spread, , noticed, alone] = charts;
    assertEquals(spread!.lines.map(({ points }) => points.at(-1)!.y), [100]);
    // Who waits longer is later.
    const [first, ...others] = noticed!.lines[0]!.points;
    assert(others.at(-1)!.y > first!.y, JSON.stringify(noticed!.lines[0]));
    // Nobody confirms what one suspects who is cut off: it waits for the maximum, where there is one.
    const [least, , most] = alone!.lines.map(({ points }) => points.at(-2)!.y);
    assert(most! > 1.5 * least!, `${least} ${most}`);
  });
});
