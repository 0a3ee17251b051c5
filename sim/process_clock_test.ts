import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { ProcessClock } from "./process_clock.ts";
import { Simulation } from "./simulation.ts";

function clockIn(simulation: Simulation, rate = 1): ProcessClock {
  return new ProcessClock({ simulation, startMs: 0, rate });
}

describe("ProcessClock", () => {
  it("setTimer() fires once, at its instant, never early", () => {
    const simulation = new Simulation(1);
    const clock = clockIn(simulation);
    const fired: number[] = [];
    clock.setTimer(10.0004, () => fired.push(clock.now()));
    simulation.run(10_000);
    assertEquals(fired, []);
    simulation.run(1_000_000);
    assertEquals(fired, [10.001]);
  });

  it("runs at its own rate", () => {
    const simulation = new Simulation(1);
    const clock = clockIn(simulation, 1.25);
    let at = 0;
    clock.setTimer(100, () => at = simulation.now);
    simulation.run(1_000_000);
    assertEquals([at, clock.now()], [80_000, 1250]);
  });

  it("change() moves timers with a jump and a new rate, and never back", () => {
    const simulation = new Simulation(1);
    const clock = clockIn(simulation);
    const fired: number[] = [];
    clock.setTimer(100, () => fired.push(simulation.now));
    clock.setTimer(5000, () => fired.push(simulation.now));
    simulation.run(50_000);
    clock.change({ jumpMs: 1000 });
    assertEquals(clock.now(), 1050);
    simulation.run(60_000);
    assertEquals(fired, [50_000]);
    clock.change({ rate: 0.5 });
    simulation.run(20_000_000);
    assertEquals(fired, [50_000, 60_000 + (5000 - 1060) * 2000]);
  });

  it("a cancelled timer does not fire, nor one of a stopped clock, nor one put off meanwhile", () => {
    const simulation = new Simulation(1);
    const waiting: (() => void)[] = [];
    const clock = new ProcessClock({
      simulation,
      startMs: 0,
      rate: 1,
      wakefulness: { paused: true, timer: (run) => void waiting.push(run) },
    });
    let fired = 0;
    const cancel = clock.setTimer(1, () => fired++);
    clock.setTimer(2, () => fired++);
    simulation.run(1500);
    cancel();
    for (const run of waiting) run();
    clock.stop();
    simulation.run(5000);
    assertEquals([fired, simulation.pending], [0, 0]);
  });

  it("a timer that rounding leaves a rest of comes up again, and time goes on", () => {
    const simulation = new Simulation(1);
    const clock = clockIn(simulation, 1.1);
    let due = 0;
    const arm = (): void => {
      if (clock.now() >= 1000.0000001) due++;
      else clock.setTimer(1000.0000001 - clock.now(), arm);
    };
    arm();
    simulation.run(2_000_000);
    assert(due === 1 && simulation.events < 5, `${due} ${simulation.events}`);
  });
});
