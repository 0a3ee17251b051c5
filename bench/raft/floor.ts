/**
 * What the disk allows at best: three writers at once, as three nodes are, each with one small write and one `fdatasync` after the other to
 * a file that has its length already. A caller that waits for its command cannot be served faster, whatever the program.
 *
 * @module
 */
const WRITERS = 3;
const FILE_BYTES = 1024 * 1024;
const RECORD_BYTES = 300;
const SECONDS = 2;

interface Order {
  readonly path: string;
}

/** `fdatasync`s a second of each writer. */
export async function fsyncsPerSecond(): Promise<number> {
  const directory = await Deno.makeTempDir({ prefix: "raft-floor-" });
  const workers = Array.from(
    { length: WRITERS },
    () => new Worker(import.meta.url, { type: "module" }),
  );
  try {
    const counts = await Promise.all(
      workers.map((worker, i) =>
        new Promise<number>((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
          worker.postMessage({ path: `${directory}/${i}` } satisfies Order);
        })
      ),
    );
    return counts.reduce((sum, count) => sum + count, 0) / counts.length / SECONDS;
  } finally {
    for (const worker of workers) worker.terminate();
    await Deno.remove(directory, { recursive: true });
  }
}

function write({ path }: Order): number {
  using file = Deno.openSync(path, { create: true, read: true, write: true });
  file.writeSync(new Uint8Array(FILE_BYTES));
  file.syncDataSync();
  const record = new Uint8Array(RECORD_BYTES);
  const end = performance.now() + SECONDS * 1_000;
  let count = 0;
  while (performance.now() < end) {
    file.seekSync(count * RECORD_BYTES % (FILE_BYTES - RECORD_BYTES), Deno.SeekMode.Start);
    file.writeSync(record);
    file.syncDataSync();
    count++;
  }
  return count;
}

const scope = globalThis as unknown as {
  WorkerGlobalScope?: unknown;
  onmessage?: (event: { data: Order }) => void;
  postMessage(count: number): void;
};
if (scope.WorkerGlobalScope !== undefined) {
  scope.onmessage = ({ data }) => scope.postMessage(write(data));
}
