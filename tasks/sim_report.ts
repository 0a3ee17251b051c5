/**
 * `deno task sim --report [FILE.html]`: measures a protocol in small worlds and draws the charts.
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { pageOf } from "../sim/charts/page.ts";
import { type ChartScale, chartsOf, FULL_SCALE } from "../sim/charts/report.ts";
import type { Protocol } from "../sim/protocol.ts";

/** Writes the page. */
export async function writeReport(
  protocol: Protocol,
  file: string,
  options: { readonly scale?: ChartScale; readonly say: (line: string) => void },
): Promise<void> {
  const day = new Date().toISOString().slice(0, 10);
  const page = pageOf({
    title: `${protocol.name} in the simulator`,
    about: `Made by "deno task sim --protocol ${protocol.name} --report" on ${day}. ` +
      "Virtual time: the figures are the same on any machine.",
    charts: chartsOf(protocol, options.scale ?? FULL_SCALE, options.say),
  });
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, page);
}
