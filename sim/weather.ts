import type { Prng } from "../gossip/strategy.ts";

/** One disturbance of the network, as long as it lasts. What several do to one packet adds up. */
export interface Weather {
  /** The slots whose silence it explains; `undefined`: all. */
  readonly touches?: ReadonlySet<number>;
  /** Which direction between two slots it affects; default: all. */
  readonly covers?: (from: number, to: number) => boolean;
  /** Nothing passes. */
  readonly cut?: boolean;
  /** Share of packets lost; streams are held up by as many retransmissions. */
  readonly loss?: number;
  /** Share of packets that arrive twice. */
  readonly duplicates?: number;
  /** Added to the way of each packet and of each piece of a stream, microseconds. */
  readonly delayUs?: (random: Prng) => number;
  /** Share of packets of which a copy arrives again, much later. */
  readonly echoes?: number;
  /** How much later, microseconds. */
  readonly echoUs?: (random: Prng) => number;
  /** Share of packets that arrive changed or cut short. */
  readonly corrupts?: number;
  /** Share of streams that are reset in mid-stream. */
  readonly resets?: number;
  /** Bytes that pass in a second from one slot to another; what is behind waits. */
  readonly bytesPerSecond?: number;
}

/** What all weather together does to one packet or stream. */
export interface Fate {
  /** Nothing passes. */
  readonly cut: boolean;
  /** Share lost. */
  readonly loss: number;
  /** Share duplicated. */
  readonly duplicates: number;
  /** Microseconds added. */
  readonly delayUs: number;
  /** Microseconds after which it is heard once more; 0: never. */
  readonly echoUs: number;
  /** Whether it is corrupted. */
  readonly corrupted: boolean;
  /** Share of streams reset. */
  readonly resets: number;
}

/** What fair weather does: nothing. */
export const FAIR: Fate = Object.freeze({
  cut: false,
  loss: 0,
  duplicates: 0,
  delayUs: 0,
  echoUs: 0,
  corrupted: false,
  resets: 0,
});

/** The weather now, and whose silence the weather so far explains. */
export class Skies {
  readonly #random: Prng;
  readonly #now: () => number;
  readonly #active = new Set<Weather>();
  readonly #touchedAt = new Map<number, number>();
  readonly #busyUntil = new Map<Weather, Map<string, number>>();
  #allTouchedAt = -Infinity;

  /** Begins fair. */
  constructor(random: Prng, now: () => number) {
    this.#random = random;
    this.#now = now;
  }

  /** Whether there is any weather. */
  get fair(): boolean {
    return this.#active.size === 0;
  }

  /** Whether some directions are cut. */
  get parted(): boolean {
    for (const { cut } of this.#active) if (cut) return true;
    return false;
  }

  /** Begins a disturbance; what it returns ends it. */
  begin(weather: Weather): () => void {
    this.#active.add(weather);
    return () => {
      if (!this.#active.delete(weather)) return;
      this.#busyUntil.delete(weather);
      this.touch(weather.touches, this.#now());
    };
  }

  /** Ends all. */
  clear(): void {
    for (const weather of [...this.#active]) {
      this.#active.delete(weather);
      this.touch(weather.touches, this.#now());
    }
    this.#busyUntil.clear();
  }

  /** Explains the silence of slots up to an instant, which may lie ahead. */
  touch(slots: ReadonlySet<number> | undefined, at: number): void {
    if (slots === undefined) this.#allTouchedAt = Math.max(this.#allTouchedAt, at);
    else {
      for (const slot of slots) {
        this.#touchedAt.set(slot, Math.max(this.#touchedAt.get(slot) ?? -Infinity, at));
      }
    }
  }

  /** The last instant at which the weather explains the silence of a slot. */
  touchedAt(slot: number): number {
    for (const { touches } of this.#active) {
      if (touches === undefined || touches.has(slot)) return this.#now();
    }
    const at = Math.max(this.#allTouchedAt, this.#touchedAt.get(slot) ?? -Infinity);
    return Math.min(at, this.#now());
  }

  /** Whether a direction is cut now. */
  cut(from: number, to: number): boolean {
    for (const { cut, covers } of this.#active) {
      if (cut && (covers === undefined || covers(from, to))) return true;
    }
    return false;
  }

  /** What happens to one packet, or one piece of a stream, of some bytes. */
  fate(from: number, to: number, bytes: number): Fate {
    if (this.#active.size === 0) return FAIR;
    const random = this.#random;
    const fate = {
      cut: false,
      loss: 0,
      duplicates: 0,
      delayUs: 0,
      echoUs: 0,
      corrupted: false,
      resets: 0,
    };
    for (const weather of this.#active) {
      if (weather.covers !== undefined && !weather.covers(from, to)) continue;
      fate.cut ||= weather.cut ?? false;
      fate.loss = 1 - (1 - fate.loss) * (1 - (weather.loss ?? 0));
      fate.duplicates = Math.max(fate.duplicates, weather.duplicates ?? 0);
      fate.resets = Math.max(fate.resets, weather.resets ?? 0);
      if (weather.delayUs !== undefined) fate.delayUs += Math.floor(weather.delayUs(random));
      if (weather.echoes !== undefined && random() < weather.echoes) {
        fate.echoUs = Math.floor(weather.echoUs?.(random) ?? 0);
      }
      fate.corrupted ||= weather.corrupts !== undefined && random() < weather.corrupts;
      if (weather.bytesPerSecond !== undefined) {
        fate.delayUs += this.#queue(weather, `${from}>${to}`, bytes);
      }
    }
    return fate;
  }

  #queue(weather: Weather, link: string, bytes: number): number {
    let links = this.#busyUntil.get(weather);
    if (links === undefined) this.#busyUntil.set(weather, links = new Map());
    const now = this.#now();
    const tookUs = Math.ceil(bytes * 1_000_000 / weather.bytesPerSecond!);
    const until = Math.max(now, links.get(link) ?? 0) + tookUs;
    links.set(link, until);
    return until - now;
  }
}
