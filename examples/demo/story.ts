import { movement, ring } from "../../shard/mod.ts";
import { MemberProcess } from "./member_process.ts";
import type { Board } from "./table.ts";

/** One way to run a member. */
export interface Kind {
  readonly runtime: string;
  readonly command: readonly string[];
}

/** A thousand keys, to compare owners on all members. */
const allKeys: readonly string[] = Array.from({ length: 1000 }, (_, i) => `user:${i}`);
const sampleKeys = allKeys.slice(0, 5);

/** How long one step may take before the story fails. */
const stepTimeoutMs = 15_000;

/** Runs the story of three members and keeps the board up to date. */
export class Story {
  readonly #kinds: readonly Kind[];
  readonly #ports: readonly number[];
  readonly #onChange: () => void;
  readonly #members: MemberProcess[] = [];
  readonly #health = new Map<string, number>();
  readonly #owners = new Map<string, readonly (string | null)[]>();
  readonly #seen: string[] = [];
  #title = "starting three processes";
  #moved = "nothing yet";
  #changed = Promise.withResolvers<void>();

  constructor(kinds: readonly Kind[], ports: readonly number[], onChange: () => void) {
    this.#kinds = kinds;
    this.#ports = ports;
    this.#onChange = onChange;
  }

  /** What to show now. */
  get board(): Board {
    return {
      title: this.#title,
      seen: this.#seen,
      members: this.#members,
      health: this.#health,
      owners: this.#owners,
      keys: sampleKeys,
      moved: this.#moved,
    };
  }

  /** Forms the cluster. Rejects when a step is not observed in time. */
  async form(): Promise<void> {
    this.#members.push(this.#start(0));
    await this.#until(`${this.#members[0]!.name} is up, alone`, () => this.#converged(1));
    for (let i = 1; i < this.#kinds.length; i++) this.#members.push(this.#start(i));
    await this.#until("all three see each other as participants", () => this.#converged(3));
    await this.#agree("all three agree on the owner of each of 1,000 keys");
  }

  /** Kills the second member and watches the others go on. */
  async lose(): Promise<void> {
    const victim = this.#members[1]!;
    const before = await this.#members[0]!.owners(allKeys);
    this.#say(`killing ${victim.name} (${victim.runtime})`);
    await victim.kill();
    await this.#until(`the others noticed that ${victim.name} is gone`, () => this.#converged(2));
    await this.#agree("the survivors agree on the owner of each key");
    const after = await this.#members[0]!.owners(allKeys);
    const needless =
      before.filter((owner, i) => owner !== victim.name && owner !== after[i]).length;
    if (needless > 0) throw new Error(`${needless} keys moved though their owner was alive`);
    this.#note("only the keys of the lost member moved");
    this.#explain(victim.name);
  }

  /** Starts the second member again. */
  async heal(): Promise<void> {
    this.#say(`starting ${this.#members[1]!.name} again`);
    this.#members[1] = this.#start(1);
    await this.#until("it is back, and everybody sees it", () => this.#converged(3));
    await this.#agree("all three agree on the owner of each key again");
    this.#moved = "the keys of the returned member, back to it";
  }

  /** Everybody leaves, one after the other. */
  async leave(): Promise<void> {
    this.#say("leaving");
    for (const [i, member] of this.#members.entries()) {
      await member.leave();
      const rest = this.#members.length - i - 1;
      if (rest === 0) break;
      await this.#until(`${member.name} left, ${rest} remain`, () => this.#converged(rest));
    }
    this.#note("all left");
  }

  /** Everybody leaves at once, as after Ctrl-C, which reaches all processes of a terminal. */
  async leaveAtOnce(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.leave()));
  }

  /** Refreshes health and sample owners from the members themselves. */
  async refresh(): Promise<void> {
    await Promise.all(this.#members.map(async (member) => {
      if (member.view === undefined) {
        this.#owners.delete(member.name);
        return;
      }
      try {
        this.#health.set(member.name, (await member.status()).healthScore);
        this.#owners.set(member.name, await member.owners(sampleKeys));
      } catch {
        this.#owners.delete(member.name);
      }
    }));
    this.#onChange();
  }

  /** Ends every process, whatever happened. */
  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.kill()));
  }

  #start(i: number): MemberProcess {
    const { runtime, command } = this.#kinds[i]!;
    const seeds = this.#members.filter(({ view }) => view !== undefined).map(({ addr }) => addr);
    return new MemberProcess({
      runtime,
      command,
      port: this.#ports[i]!,
      seeds,
      onView: () => {
        this.#changed.resolve();
        this.#changed = Promise.withResolvers<void>();
        this.#onChange();
      },
    });
  }

  /** Whether exactly `count` members run, and each sees exactly those as participants. */
  #converged(count: number): boolean {
    const running = this.#members.filter(({ view }) => view !== undefined);
    const names = running.map(({ name }) => name).sort().join();
    return running.length === count &&
      running.every(({ view }) =>
        view!.map(({ name }) => name).sort().join() === names &&
        view!.every(({ state }) => state === "participant")
      );
  }

  async #until(step: string, condition: () => boolean): Promise<void> {
    this.#say(`waiting: ${step}`);
    const late = AbortSignal.timeout(stepTimeoutMs);
    const tooLate = new Promise<void>((_, reject) => {
      late.addEventListener("abort", () => reject(new Error(`Not observed in time: ${step}`)));
    });
    tooLate.catch(() => {});
    while (!condition()) await Promise.race([this.#changed.promise, tooLate]);
    this.#note(step);
  }

  async #agree(step: string): Promise<void> {
    const running = this.#members.filter(({ view }) => view !== undefined);
    const answers = await Promise.all(running.map((member) => member.owners(allKeys)));
    const differing = allKeys.filter((_, k) =>
      answers.some((owners) => owners[k] !== answers[0]![k])
    );
    if (differing.length > 0 || answers[0]!.includes(null)) {
      throw new Error(`Not observed: ${step}: ${differing.length} keys differ`);
    }
    this.#note(step);
  }

  #explain(lost: string): void {
    const names = this.#members.map(({ name }) => name);
    const algorithm = ring({ tokens: 512 });
    const { share, flows } = movement(
      algorithm.place(names),
      algorithm.place(names.filter((name) => name !== lost)),
    );
    const parts = flows.map(({ to, share }) => `${(share * 100).toFixed(1)} % to ${to}`);
    this.#moved = `${(share * 100).toFixed(1)} % of all keys, from ${lost}: ${parts.join(", ")}`;
  }

  #say(title: string): void {
    this.#title = title;
    this.#onChange();
  }

  #note(step: string): void {
    this.#seen.push(step);
    this.#onChange();
  }
}
