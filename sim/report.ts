import type { CampaignResult, Failure } from "./campaign.ts";
import type { Drawable } from "./protocol.ts";

/** A campaign as plain data, for files and pages. */
export interface CampaignReport {
  readonly seeds: number;
  readonly events: number;
  readonly virtualHours: number;
  readonly eventsPerSecond: number;
  readonly elapsedMs: number;
  readonly worstRecoveryMs: number;
  /** Every situation; `runs` is 0 and `firstSeed` undefined for those that never occurred. */
  readonly situations: readonly {
    readonly situation: string;
    readonly runs: number;
    readonly hits: number;
    readonly firstSeed: number | undefined;
  }[];
  readonly failures: readonly Failure[];
  readonly firstSeed: number | undefined;
}

/** Turns a result into a report. */
export function reportOf(
  protocol: Drawable,
  result: CampaignResult,
  elapsedMs: number,
): CampaignReport {
  const { seeds, events, virtualMs, worstRecoveryMs, situations, failures, firstSeed } = result;
  return {
    seeds,
    firstSeed,
    events,
    virtualHours: virtualMs / 3_600_000,
    eventsPerSecond: events * 1000 / Math.max(1, elapsedMs),
    elapsedMs,
    worstRecoveryMs,
    situations: protocol.situations.map((situation) => ({
      situation,
      ...(situations.get(situation) ?? { runs: 0, hits: 0, firstSeed: undefined }),
    })),
    failures,
  };
}
