import type { FileSystem, OpenFile } from "./file_system.ts";
import type { DiskStep } from "./step.ts";

/** Zeros are written this many at a time, so that a pool thread is never busy for long. */
const ZEROS = new Uint8Array(256 * 1024);

/** Performs steps in one directory, and keeps the files open that they touch. */
export class DiskDriver {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #open = new Map<string, OpenFile>();

  /**
   * @param files Where.
   * @param directory Must exist.
   */
  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /** Performs steps one after the other, and stops at the first that fails. */
  async perform(steps: readonly DiskStep[]): Promise<void> {
    for (const step of steps) {
      switch (step.type) {
        case "write":
          await (await this.#file(step.file)).write(step.bytes, step.offset);
          break;
        case "sync":
          await (await this.#file(step.file)).sync();
          break;
        case "create":
          await this.#create(step.file, step.sizeBytes);
          break;
        case "rename":
          await this.#rename(step.from, step.to);
          break;
        case "remove":
          await this.#forget(step.file);
          await this.#files.remove(this.#path(step.file));
          break;
        case "syncDirectory":
          await this.#files.syncDirectory(this.#directory);
          break;
        default:
          step satisfies never;
      }
    }
  }

  /**
   * Performs steps before it returns, if they only write and sync files that are open and can do so in line.
   *
   * @returns Whether it did; otherwise nothing was done.
   * @throws {Error} A step failed. Those after it were not begun.
   */
  performInline(steps: readonly DiskStep[]): boolean {
    for (const step of steps) {
      if (step.type !== "write" && step.type !== "sync") return false;
      const file = this.#open.get(step.file);
      if (file?.writeInline === undefined || file.syncInline === undefined) return false;
    }
    for (const step of steps) {
      if (step.type === "write") {
        this.#open.get(step.file)!.writeInline!(step.bytes, step.offset);
      } else if (step.type === "sync") this.#open.get(step.file)!.syncInline!();
    }
    return true;
  }

  /** Closes all files. */
  async close(): Promise<void> {
    for (const name of [...this.#open.keys()]) await this.#forget(name);
  }

  #path(name: string): string {
    return `${this.#directory}/${name}`;
  }

  async #file(name: string): Promise<OpenFile> {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const opened = await this.#files.open(this.#path(name), "write");
    this.#open.set(name, opened);
    return opened;
  }

  async #create(name: string, sizeBytes: number): Promise<void> {
    await this.#forget(name);
    const file = await this.#files.open(this.#path(name), "create");
    this.#open.set(name, file);
    for (let at = 0; at < sizeBytes; at += ZEROS.length) {
      await file.write(ZEROS.subarray(0, Math.min(ZEROS.length, sizeBytes - at)), at);
    }
  }

  async #rename(from: string, to: string): Promise<void> {
    await this.#files.rename(this.#path(from), this.#path(to));
    await this.#forget(to);
    const file = this.#open.get(from);
    this.#open.delete(from);
    if (file !== undefined) this.#open.set(to, file);
  }

  async #forget(name: string): Promise<void> {
    const file = this.#open.get(name);
    this.#open.delete(name);
    await file?.close();
  }
}
