/**
 * Reading and writing streams, with a count of it.
 *
 * @module
 */
import type { MessageReader } from "../gossip/strategy.ts";
import type { Conn } from "../transport/transport.ts";

/** What was read from and written to streams, call by call, as ckit counts. */
export interface StreamCounts {
  /** Reads from streams. */
  readonly connectionReads: number;
  /** Those of them that failed; the end of a stream is no failure. */
  readonly connectionReadsFailed: number;
  /** Writes to streams. */
  readonly connectionWrites: number;
  /** Those of them that failed. */
  readonly connectionWritesFailed: number;
}

/** The streams of one driver. */
export class Streams {
  readonly #counts = {
    connectionReads: 0,
    connectionReadsFailed: 0,
    connectionWrites: 0,
    connectionWritesFailed: 0,
  };

  /** Counts since creation. */
  get counts(): StreamCounts {
    return { ...this.#counts };
  }

  /**
   * Reads one whole message.
   *
   * @throws {RangeError} When the message exceeds the reader's limits, or the stream ends before it is whole.
   */
  async readMessage(conn: Conn, reader: MessageReader): Promise<Uint8Array> {
    for (let first = true;; first = false) {
      const chunk = await this.#read(conn);
      if (chunk === undefined) {
        throw new RangeError(
          first
            ? "Cannot read a message as the peer closed the stream without a word, as it does to another cluster"
            : "Cannot read the message as the stream ended before it was whole",
        );
      }
      if (reader.push(chunk)) return reader.bytes;
    }
  }

  /** Writes one whole message. */
  async write(conn: Conn, bytes: Uint8Array): Promise<void> {
    this.#counts.connectionWrites += 1;
    try {
      await conn.write(bytes);
    } catch (error) {
      this.#counts.connectionWritesFailed += 1;
      throw error;
    }
  }

  async #read(conn: Conn): Promise<Uint8Array | undefined> {
    this.#counts.connectionReads += 1;
    try {
      return await conn.read();
    } catch (error) {
      this.#counts.connectionReadsFailed += 1;
      throw error;
    }
  }
}
