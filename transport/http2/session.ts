/**
 * One client session and what runs over it.
 *
 * @module
 */
import type { Called, Link, Posted } from "./client.ts";
import type { TlsCredentials } from "./options.ts";

const DRAIN_TIMEOUT_MS = 30_000;
const GRACE_MS = 1_000;

/** Options of {@link Session}. */
export interface SessionOptions {
  /** Certificates it was opened with; compared by identity. */
  readonly credentials: TlsCredentials | undefined;
  /** How long a PING may stay unanswered. */
  readonly pingTimeoutMs: number;
  /** How long a session that connects with its first request may take to get any answer. */
  readonly openTimeoutMs: number;
  /** Called once, when it is gone. */
  readonly onGone: () => void;
  /** Called once, before that, when the peer hung up without ever having said anything. */
  readonly onFailed: () => void;
  /** Called once, when it takes no more requests but may still finish some. */
  readonly onRetired: () => void;
}

/** A connected session. It retires when the peer says so (GOAWAY), and closes once its last stream is done. */
export class Session {
  /** `performance.now()` when it last carried a request. */
  lastUsedAt: number = performance.now();
  /** `performance.now()` when the peer was last heard. */
  lastHeardAt: number = performance.now();
  /** Whether the peer ever said anything; a socket that opens and closes again proves nothing. */
  heard = false;
  /** Open connections, without POSTs of packets. */
  connections = 0;
  readonly #link: Link;
  readonly #options: SessionOptions;
  #active = 0;
  #retired = false;
  #pinging = false;
  #failed = false;
  #gone = false;
  #opening: ReturnType<typeof setTimeout> | undefined;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(link: Link, options: SessionOptions) {
    this.#link = link;
    this.#options = options;
  }

  /** Begins to follow the link. Once, after the owner has taken note of the session. */
  start(): void {
    this.#link.listen({
      onHeard: () => this.sawPeer(),
      onRetired: () => this.retire(),
      onClosed: () => {
        this.#gone = true;
        for (const timer of this.#timers) clearTimeout(timer);
        this.#timers.clear();
        this.retire();
        if (!this.heard && !this.#link.lazy) this.#fail();
        this.#options.onGone();
      },
    });
  }

  /** Certificates it was opened with. */
  get credentials(): TlsCredentials | undefined {
    return this.#options.credentials;
  }

  /** Streams open now. */
  get active(): number {
    return this.#active;
  }

  /** Whether one more request may be opened on it. */
  get available(): boolean {
    return !this.#retired && !this.#link.ended && this.#active < this.#link.maxStreams;
  }

  /** Notes a sign of life. */
  sawPeer(): void {
    this.heard = true;
    this.lastHeardAt = performance.now();
    clearTimeout(this.#opening);
  }

  /**
   * POSTs a body.
   *
   * @throws {Error} When the session ended since it was acquired; nothing was sent.
   */
  post(path: string, body: Uint8Array): Posted {
    const posted = this.#begin(() => this.#link.post(path, body));
    posted.answer.then(({ status, cancelled, lost }) => {
      this.#done(status, cancelled, lost);
    });
    return posted;
  }

  /**
   * Opens a POST that becomes a connection.
   *
   * @throws {Error} When the session ended since it was acquired; nothing was sent.
   */
  call(path: string): Called {
    const called = this.#begin(() => this.#link.call(path));
    Promise.all([called.answer, called.closed]).then(([{ status, cancelled, lost }]) => {
      this.#done(status, cancelled, lost);
    });
    called.answer.then(({ status }) => status > 0 && this.sawPeer());
    return called;
  }

  /** Asks for a sign of life; without one in time the session is destroyed. */
  ping(): void {
    if (this.#pinging || this.#link.ended) return;
    // Not even SETTINGS came: there is no peer to ask.
    if (!this.heard) return this.#fail();
    this.#pinging = true;
    const timer = this.#later(this.#options.pingTimeoutMs, () => this.destroy());
    this.#link.ping().then((alive) => {
      clearTimeout(timer);
      this.#timers.delete(timer);
      this.#pinging = false;
      if (alive) this.sawPeer();
      else this.destroy();
    });
  }

  /** Takes no more requests; closes when the last one is done, or after half a minute. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#options.onRetired();
    if (this.#gone) return;
    if (this.#active === 0) this.#end();
    else this.#later(DRAIN_TIMEOUT_MS, () => this.destroy());
  }

  /** Resets what it carries and closes the socket. */
  destroy(): void {
    this.retire();
    this.#link.destroy();
  }

  #begin<T>(open: () => T): T {
    let opened: T;
    try {
      opened = open();
    } catch (error) {
      if (!this.heard) this.#fail();
      throw error;
    }
    this.#active++;
    this.lastUsedAt = performance.now();
    if (this.#link.lazy && !this.heard && this.#opening === undefined) {
      this.#opening = this.#later(this.#options.openTimeoutMs, () => this.#fail());
    }
    return opened;
  }

  #done(status: number, cancelled: boolean, lost: boolean): void {
    this.#active--;
    if (status > 0) this.sawPeer();
    else if (!this.heard && !cancelled) this.#fail();
    else if (lost) this.retire();
    if (this.#retired && this.#active === 0) this.#end();
  }

  #fail(): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFailed();
    this.destroy();
  }

  #end(): void {
    if (this.#gone) return;
    this.#link.close();
    this.#later(GRACE_MS, () => this.#link.destroy());
  }

  #later(afterMs: number, act: () => void): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, afterMs);
    this.#timers.add(timer);
    return timer;
  }
}
