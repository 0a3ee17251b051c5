/**
 * Client sessions by address: opened when needed, shared, reaped when idle.
 *
 * @module
 */
import { UnreachableError } from "../transport.ts";
import { type Client, clientFor, type Link } from "./client.ts";
import type { ResolvedHttp2Options, TlsCredentials } from "./options.ts";
import { Session } from "./session.ts";

/** Options of {@link SessionPool.acquire}. */
export interface AcquireOptions {
  /** Ends the waiting; an attempt under way goes on for the others that wait for it. */
  readonly signal?: AbortSignal;
  /** Whether to fail at once during the pause after a failure. */
  readonly heedBackoff?: boolean;
}

interface Entry {
  readonly sessions: Set<Session>;
  connecting: Promise<Session> | undefined;
  failures: number;
  retryAt: number;
}

const FORGET_FAILURES_MS = 60_000;

/** Sessions by address. */
export class SessionPool {
  readonly #options: ResolvedHttp2Options;
  readonly #entries = new Map<string, Entry>();
  /** All that hold a socket, the retired ones too. */
  readonly #open = new Set<Session>();
  #client: Promise<Client> | undefined;
  #reaper: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  constructor(options: ResolvedHttp2Options) {
    this.#options = options;
  }

  /** Sessions that hold a socket. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * A session with room for a request.
   *
   * @throws {UnreachableError} When none can be had in time.
   */
  async acquire(address: string, options: AcquireOptions = {}): Promise<Session> {
    if (this.#closed) throw new UnreachableError(address, "The transport is closed");
    options.signal?.throwIfAborted();
    const entry = this.#entry(address);
    const credentials = this.#credentials();
    for (const session of [...entry.sessions]) {
      if (session.heard) entry.failures = 0;
      if (session.credentials !== credentials) session.retire();
      else if (session.available) return session;
    }
    if (options.heedBackoff && performance.now() < entry.retryAt) {
      throw new UnreachableError(address, `${address} did not answer a moment ago`);
    }
    entry.connecting ??= this.#connect(address, entry, credentials).finally(() => {
      entry.connecting = undefined;
    });
    entry.connecting.catch(() => {}); // All who wait may have left.
    return await interruptible(entry.connecting, options.signal);
  }

  /** Destroys every session. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#reaper);
    this.#reaper = undefined;
    this.#client?.then((client) => client.close(), () => {});
    for (const session of [...this.#open]) session.destroy();
    this.#entries.clear();
  }

  #entry(address: string): Entry {
    let entry = this.#entries.get(address);
    if (entry === undefined) {
      entry = { sessions: new Set(), connecting: undefined, failures: 0, retryAt: 0 };
      this.#entries.set(address, entry);
    }
    return entry;
  }

  #credentials(): TlsCredentials | undefined {
    return this.#options.tls?.certificates?.() ?? this.#options.tls;
  }

  async #connect(
    address: string,
    entry: Entry,
    credentials: TlsCredentials | undefined,
  ): Promise<Session> {
    let link: Link;
    try {
      this.#client ??= clientFor(this.#options);
      link = await (await this.#client).connect(address, credentials);
    } catch (error) {
      this.#failed(entry);
      throw error;
    }
    if (this.#closed) {
      link.destroy();
      throw new UnreachableError(address, "The transport is closed");
    }
    this.#entries.set(address, entry);
    const session: Session = new Session(link, {
      credentials,
      pingTimeoutMs: this.#options.pingTimeoutMs,
      openTimeoutMs: this.#options.connectTimeoutMs + this.#options.packetTimeoutMs,
      onRetired: () => {
        entry.sessions.delete(session);
      },
      onFailed: () => {
        entry.sessions.delete(session);
        this.#failed(entry);
      },
      onGone: () => {
        this.#open.delete(session);
        if (this.#open.size === 0) this.#stopReaping();
      },
    });
    entry.sessions.add(session);
    this.#open.add(session);
    this.#startReaping();
    session.start();
    return session;
  }

  #failed(entry: Entry): void {
    entry.failures++;
    entry.retryAt = performance.now() + Math.min(
      this.#options.maxBackoffMs,
      this.#options.minBackoffMs * 2 ** (entry.failures - 1),
    );
  }

  #startReaping(): void {
    if (this.#reaper !== undefined) return;
    const { idleTimeoutMs, pingAfterMs } = this.#options;
    const everyMs = Math.min(15_000, Math.max(10, Math.min(idleTimeoutMs, pingAfterMs) / 4));
    this.#reaper = setInterval(() => this.#reap(performance.now()), everyMs);
    (this.#reaper as unknown as { unref?: () => void }).unref?.();
  }

  #stopReaping(): void {
    clearInterval(this.#reaper);
    this.#reaper = undefined;
  }

  #reap(now: number): void {
    for (const session of this.#open) {
      if (session.active === 0 && now - session.lastUsedAt >= this.#options.idleTimeoutMs) {
        session.retire();
      } else if (
        session.connections > 0 && now - session.lastHeardAt >= this.#options.pingAfterMs
      ) {
        session.ping();
      }
    }
    for (const [address, entry] of this.#entries) {
      const idle = entry.sessions.size === 0 && entry.connecting === undefined;
      if (idle && now > entry.retryAt + FORGET_FAILURES_MS) this.#entries.delete(address);
    }
  }
}

function interruptible<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
