import type { Peer } from "../../shard/peer.ts";

/** What one member says of itself under `/status`, as far as the table shows it. */
export interface MemberStatus {
  /** The peers as this member sees them. */
  readonly members: readonly Peer[];
  /** Lifeguard's score: 0 is healthy. */
  readonly healthScore: number;
  /** Equal where the view is equal. */
  readonly viewHash: number;
}

/** What is needed to start a member. */
export interface MemberOptions {
  /** `deno`, `bun`, `node`: for the table. */
  readonly runtime: string;
  /** The executable with its arguments. */
  readonly command: readonly string[];
  /** Where it listens. */
  readonly port: number;
  /** Whom it joins. */
  readonly seeds: readonly string[];
  /** Called whenever the member printed a new view. */
  readonly onView: () => void;
}

/** One of the README's examples as a process. Its views arrive on standard output, its owners over its own HTTP routes. */
export class MemberProcess {
  readonly runtime: string;
  readonly name: string;
  readonly addr: string;
  /** The last view that the process printed; `undefined` while it is down. */
  view: readonly Peer[] | undefined;
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<void>;

  constructor({ runtime, command, port, seeds, onView }: MemberOptions) {
    this.runtime = runtime;
    this.name = `${runtime}-${port}`;
    this.addr = `127.0.0.1:${port}`;
    this.#child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      env: { PORT: String(port), SEEDS: seeds.join(","), NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#ended = this.#follow(onView);
  }

  /** Asks the member itself for the owner of each key. */
  async owners(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const owners: (string | null)[] = [];
    for (let from = 0; from < keys.length; from += 100) {
      const query = keys.slice(from, from + 100).map((key) => `key=${encodeURIComponent(key)}`);
      const response = await fetch(`http://${this.addr}/owners?${query.join("&")}`);
      if (!response.ok) throw new Error(`${this.name} answered ${response.status}`);
      owners.push(...await response.json());
    }
    return owners;
  }

  /** What the member says of itself now. */
  async status(): Promise<MemberStatus> {
    const response = await fetch(`http://${this.addr}/status`);
    return await response.json();
  }

  /** Ends the process without a word to the others. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.#ended;
  }

  /** Lets the member leave the cluster and end. */
  async leave(): Promise<void> {
    this.#signal("SIGINT");
    await this.#ended;
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // Already gone.
    }
  }

  async #follow(onView: () => void): Promise<void> {
    let text = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (text + chunk).split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        if (!line.startsWith("[")) continue;
        this.view = JSON.parse(line);
        onView();
      }
    }
    await this.#child.status;
    this.view = undefined;
    onView();
  }
}
