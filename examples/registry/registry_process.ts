/** A row of a member's table. */
export interface Row {
  readonly status: "up" | "down" | "left";
  readonly keys: Readonly<Record<string, string>>;
}

/** What a member prints when its watcher tells it something. */
export interface Told {
  readonly type: string;
  readonly id: string;
  readonly generation?: number;
  readonly key?: string;
  readonly value?: string;
  readonly joined?: readonly string[];
}

/** What is needed to start a member. */
export interface RegistryOptions {
  /** Its name in the cluster. */
  readonly name: string;
  /** The executable with its arguments. */
  readonly command: readonly string[];
  /** Where it listens. */
  readonly port: number;
  /** Whom it joins. */
  readonly seeds: readonly string[];
  /** What it publishes as its version. */
  readonly version: string;
  /** Called with every event, and when the process ended. */
  readonly onChange: () => void;
}

/** `examples/service-registry.ts` as a process. */
export class RegistryProcess {
  readonly name: string;
  readonly port: number;
  /** All that its watcher told, oldest first. */
  readonly told: Told[] = [];
  /** Whether the process runs, stopped or not. */
  running = true;
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<void>;

  constructor({ name, command, port, seeds, version, onChange }: RegistryOptions) {
    this.name = name;
    this.port = port;
    this.#child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      env: {
        NAME: name,
        PORT: String(port),
        SEEDS: seeds.join(","),
        VERSION: version,
        INTERVAL_MS: "200",
        NO_COLOR: "1",
      },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#ended = this.#follow(onChange);
  }

  /** The table that the member's watcher keeps. */
  async registry(): Promise<Readonly<Record<string, Row>>> {
    return await (await this.#ask("/registry")).json();
  }

  /** What the member holds of every node: id → version. */
  async versions(): Promise<ReadonlyMap<string, number>> {
    const nodes: { id: string; version: number }[] = await (await this.#ask("/nodes")).json();
    return new Map(nodes.map(({ id, version }) => [id, version]));
  }

  /** Lets the member write a key, or with `undefined` delete it. */
  async write(key: string, value: string | undefined): Promise<void> {
    const init = value === undefined ? { method: "DELETE" } : { method: "PUT", body: value };
    await (await this.#ask(`/keys/${key}`, init)).body?.cancel();
  }

  /** Sends a signal; one that ends the process is waited for. */
  async signal(signal: "SIGSTOP" | "SIGCONT" | "SIGTERM" | "SIGKILL"): Promise<void> {
    try {
      this.#child.kill(signal);
    } catch {
      // Already gone.
    }
    if (signal === "SIGTERM" || signal === "SIGKILL") await this.#ended;
  }

  async #ask(path: string, init?: RequestInit): Promise<Response> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, init);
    if (!response.ok) throw new Error(`${this.name} answered ${response.status} to ${path}`);
    return response;
  }

  async #follow(onChange: () => void): Promise<void> {
    let text = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (text + chunk).split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith("{")) this.told.push(JSON.parse(line));
      }
      onChange();
    }
    await this.#child.status;
    this.running = false;
    onChange();
  }
}
