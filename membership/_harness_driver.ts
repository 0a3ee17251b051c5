/**
 * A driver with everything around it scripted, for the tests of this room.
 *
 * @module
 */
import type { GossipEffect, GossipInput } from "../gossip/strategy.ts";
import { RecordingTransport, ScriptedCore, VirtualClock } from "./_harness.ts";
import { Driver } from "./driver.ts";
import type { DriverOptions } from "./driver.ts";

/** Bytes, given one by one. */
export const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);

/** A driver and what is around it. */
export interface DriverSetUp {
  readonly core: ScriptedCore;
  readonly transport: RecordingTransport;
  readonly clock: VirtualClock;
  /** What the transport and the host were told, in order. */
  readonly log: string[];
  readonly faults: unknown[];
  readonly driver: Driver;
  /** The types of all inputs so far. */
  readonly types: () => readonly string[];
}

/** A driver over a scripted core and a recording transport. */
export function setUp(
  script: (input: GossipInput, now: number) => readonly GossipEffect[] = () => [],
  options: Partial<DriverOptions> = {},
): DriverSetUp {
  const core = new ScriptedCore(script);
  const transport = new RecordingTransport();
  const clock = new VirtualClock();
  const log: string[] = transport.calls;
  const faults: unknown[] = [];
  const driver = new Driver({
    core,
    transport,
    clock,
    host: {
      peers: (peers) => void log.push(`peers ${peers.map((p) => p.name).join()}`),
      conflict: (conflict) => void log.push(`conflict ${conflict.name}`),
      refused: (refusal) => void log.push(`refused ${refusal.reason}`),
      counted: (counter, by) => void log.push(`counted ${counter} ${by}`),
      lagged: () => {},
      faulted: (error) => void faults.push(error),
    },
    ...options,
  });
  const types = () => core.inputs.map((input) => input.type);
  return { core, transport, clock, log, faults, driver, types };
}
