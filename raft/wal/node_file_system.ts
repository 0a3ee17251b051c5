/**
 * Files as `node:fs` has them, which all three runtimes offer.
 *
 * Writes and syncs go to the thread pool through callbacks, which cost less there than `FileHandle` promises, or are done in line where the
 * store asks for it (`inline_sync.ts`). 328 bytes and one `fdatasync` to a file that has its length already, six medians of 300 each, two
 * cores, ext4, at real-time priority on a busy machine; latency, then processor time:
 *
 * ```txt
 *                            Node                     Bun                      Deno
 * in line                    75–157 µs,  31–84 µs     86–163 µs,  34–85 µs     109–160 µs,  62–95 µs
 * in line, O_DSYNC           77–149 µs,  33–89 µs     81–155 µs,  30–81 µs     108–154 µs,  44–74 µs
 * callbacks                  200–259 µs, 190–223 µs   241–279 µs, 257–302 µs   166–209 µs, 116–166 µs
 * write in line, then one    159–248 µs, 121–203 µs   163–213 µs, 151–171 µs   141–207 µs, 114–148 µs
 * ```
 *
 * O_DSYNC gains nothing over two calls in line.
 *
 * @module
 */
import * as fs from "node:fs";
import type { FileSystem, OpenFile, OpenMode } from "./file_system.ts";

const flags: Readonly<Record<OpenMode, string>> = {
  read: "r",
  write: "r+",
  create: "w+",
  exclusive: "wx+",
};

/** Calls back once, with an error or a value. */
function call<T>(begin: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    begin((error, value) =>
      error === null || error === undefined ? resolve(value as T) : reject(error)
    );
  });
}

class NodeFile implements OpenFile {
  readonly #fd: number;
  #open = true;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async sizeBytes(): Promise<number> {
    return (await call<fs.Stats>((done) => fs.fstat(this.#fd, done))).size;
  }

  async read(buffer: Uint8Array, offset: number): Promise<number> {
    let count = 0;
    while (count < buffer.length) {
      const at = count;
      const got = await call<number>((done) =>
        fs.read(this.#fd, buffer, at, buffer.length - at, offset + at, done)
      );
      if (got === 0) break;
      count += got;
    }
    return count;
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    // A short write is legal; a full disk then says so on the next one.
    for (let at = 0; at < bytes.length;) {
      at += await call<number>((done) =>
        fs.write(this.#fd, bytes, at, bytes.length - at, offset + at, done)
      );
    }
  }

  sync(): Promise<void> {
    return call((done) => fs.fdatasync(this.#fd, done));
  }

  writeInline(bytes: Uint8Array, offset: number): void {
    for (let at = 0; at < bytes.length;) {
      at += fs.writeSync(this.#fd, bytes, at, bytes.length - at, offset + at);
    }
  }

  syncInline(): void {
    fs.fdatasyncSync(this.#fd);
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await call<void>((done) => fs.close(this.#fd, done));
  }
}

/** The machine's own files. */
export const nodeFileSystem: FileSystem = {
  async makeDirectory(path) {
    await fs.promises.mkdir(path, { recursive: true });
  },
  list: (directory) => fs.promises.readdir(directory),
  async open(path, mode) {
    return new NodeFile(await call<number>((done) => fs.open(path, flags[mode], 0o644, done)));
  },
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (path) => fs.promises.rm(path, { force: true }),
  async syncDirectory(path) {
    const fd = await call<number>((done) => fs.open(path, "r", done));
    try {
      await call<void>((done) => fs.fsync(fd, done));
    } finally {
      await call<void>((done) => fs.close(fd, done));
    }
  },
};
