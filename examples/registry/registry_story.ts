import { RegistryProcess, type Row, type Told } from "./registry_process.ts";

/** One way to run a member. */
export interface Kind {
  readonly runtime: string;
  readonly command: readonly string[];
}

/** How long one step may take before the story fails. */
const stepTimeoutMs = 20_000;

/** Five members publish keys, one of them falls silent and comes back, one restarts, one leaves. */
export class RegistryStory {
  /** Steps that were observed. */
  readonly seen: string[] = [];
  readonly #kinds: readonly Kind[];
  readonly #ports: readonly number[];
  readonly #note: (line: string) => void;
  readonly #members: RegistryProcess[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(
    kinds: readonly Kind[],
    ports: readonly number[],
    note: (line: string) => void,
  ) {
    this.#kinds = kinds;
    this.#ports = ports;
    this.#note = note;
  }

  /** Plays it. Rejects when a step is not observed in time. */
  async play(): Promise<void> {
    const all = this.#kinds.length;
    const first = this.#start(0, []);
    await this.#until("the first member is up, alone", () => ready(first));
    // The second one gives no address, but a name.
    for (let i = 1; i < all; i++) {
      this.#start(i, [i === 1 ? `localhost:${first.port}` : `127.0.0.1:${first.port}`]);
    }
    await this.#until(
      "four more joined, and know by name whom",
      () =>
        this.#members.every((one) => ready(one)) &&
        this.#members.slice(1).every(({ told }) =>
          told.find(({ type }) => type === "ready")!.joined!.includes(first.name)
        ),
    );
    await this.#tables(
      "all tables hold every other member's address and version",
      (rows, own) =>
        Object.keys(rows).length === all - 1 &&
        this.#members.every(({ name, port }) =>
          name === own || rows[name]?.status === "up" &&
            rows[name].keys.address === `http://127.0.0.1:${port}` &&
            rows[name].keys.version === "1.0.0"
        ),
    );

    const writer = this.#members[3]!;
    await writer.write("version", "1.1.0");
    await writer.write("draining", "yes");
    await this.#tables(
      `${writer.name}'s new version and key reached all`,
      (rows, own) =>
        own === writer.name ||
        rows[writer.name]?.keys.version === "1.1.0" && rows[writer.name]?.keys.draining === "yes",
    );
    await writer.write("draining", undefined);
    await this.#tables(
      `${writer.name}'s deleted key is gone everywhere`,
      (rows, own) =>
        own === writer.name || rows[writer.name] !== undefined &&
          !("draining" in rows[writer.name]!.keys),
    );
    await this.#versions();

    const silent = this.#members[2]!;
    const others = this.#members.filter((one) => one !== silent);
    await silent.signal("SIGSTOP");
    await this.#until(
      `${silent.name} was stopped, and all found it down`,
      () => others.every((one) => last(one, silent.name)?.type === "down"),
    );
    await this.#tables(
      "its keys are still there",
      (rows, own) => own === silent.name || rows[silent.name]?.keys.version === "1.0.0",
      others,
    );
    await silent.signal("SIGCONT");
    await this.#until(
      `${silent.name} goes on, and all found it up`,
      () => others.every((one) => last(one, silent.name)?.type === "up"),
    );

    const victim = this.#members[4]!;
    await victim.signal("SIGKILL");
    const again = this.#start(4, [`127.0.0.1:${first.port}`], "2.0.0");
    await this.#until(
      `${victim.name} was killed and restarted: one life ended, another joined`,
      () =>
        this.#members.every((one) =>
          one === again || lives(one, victim.name).slice(-2).join() === "expired,join"
        ),
    );
    await this.#tables(
      "its new life's version is known to all",
      (rows, own) => own === again.name || rows[again.name]?.keys.version === "2.0.0",
    );

    const leaver = this.#members[1]!;
    await leaver.signal("SIGTERM");
    const rest = this.#members.filter((one) => one !== leaver);
    await this.#until(
      `${leaver.name} left, and said so`,
      () => rest.every((one) => last(one, leaver.name)?.type === "leave"),
    );
    await this.#tables(
      "all tables say that it left",
      (rows, own) => own === leaver.name || rows[leaver.name]?.status === "left",
      rest,
    );
  }

  /** All members with what they say of each other, a line each. */
  async table(): Promise<readonly string[]> {
    const one = this.#members.find(({ running }) => running);
    if (one === undefined) return ["nobody runs"];
    const lines = [`as ${one.name} sees it:`];
    for (const [id, { status, keys }] of Object.entries(await one.registry())) {
      const { address, runtime, version } = keys;
      lines.push(`  ${id.padEnd(9)} ${status.padEnd(5)} ${runtime} ${version} ${address}`);
    }
    return lines;
  }

  /** All leave, one after the other, each telling those that remain. */
  async leave(): Promise<void> {
    for (const member of this.#members) if (member.running) await member.signal("SIGTERM");
    this.#observed("the rest left one by one");
  }

  /** Ends every process, whatever happened. */
  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.signal("SIGKILL")));
  }

  #start(i: number, seeds: readonly string[], version = "1.0.0"): RegistryProcess {
    const { runtime, command } = this.#kinds[i]!;
    const member = new RegistryProcess({
      name: `${runtime}-${i + 1}`,
      command,
      port: this.#ports[i]!,
      seeds,
      version,
      onChange: () => {
        this.#changed.resolve();
        this.#changed = Promise.withResolvers<void>();
      },
    });
    this.#members[i] = member;
    return member;
  }

  /** Each member's own version of its keys is the one that all hold. */
  async #versions(): Promise<void> {
    const running = this.#members;
    const step = "all hold all members at the same versions";
    await this.#soon(step, async () => {
      const held = await Promise.all(running.map((one) => one.versions()));
      return held.every((one) => {
        return one.size === running.length &&
          [...one].every(([id, version]) => held[0]!.get(id) === version);
      });
    });
  }

  async #tables(
    step: string,
    holds: (rows: Readonly<Record<string, Row>>, own: string) => boolean,
    members: readonly RegistryProcess[] = this.#members,
  ): Promise<void> {
    await this.#soon(step, async () => {
      const tables = await Promise.all(members.map((one) => one.registry()));
      return tables.every((rows, i) => holds(rows, members[i]!.name));
    });
  }

  async #until(step: string, condition: () => boolean): Promise<void> {
    await this.#soon(step, () => Promise.resolve(condition()));
  }

  /** Looks again after everything that a member tells. */
  async #soon(step: string, condition: () => Promise<boolean>): Promise<void> {
    const late = AbortSignal.timeout(stepTimeoutMs);
    const tooLate = new Promise<void>((_, reject) => {
      late.addEventListener("abort", () => reject(new Error(`Not observed in time: ${step}`)));
    });
    tooLate.catch(() => {});
    for (;;) {
      const changed = this.#changed.promise;
      if (await Promise.race([condition(), tooLate])) return this.#observed(step);
      await Promise.race([changed, tooLate]);
    }
  }

  #observed(step: string): void {
    this.seen.push(step);
    this.#note(step);
  }
}

function ready({ told }: RegistryProcess): boolean {
  return told.some(({ type }) => type === "ready");
}

/** The last thing that a member's watcher told of another's being there. */
function last({ told }: RegistryProcess, id: string): Told | undefined {
  return told.findLast((one) => one.id === id && one.key === undefined);
}

function lives({ told }: RegistryProcess, id: string): readonly string[] {
  return told.filter((one) => one.id === id && one.key === undefined).map(({ type }) => type);
}
