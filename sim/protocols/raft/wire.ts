import type { Prng } from "../../../gossip/strategy.ts";
import type { Message } from "../../../raft/message.ts";
import { decodeMessage, encodeMessage, FrameAssembler } from "../../../raft/wire/mod.ts";
import { DecodeError } from "../../../raft/wire/mod.ts";
import { between } from "../../draw.ts";
import { ViolationError } from "../../violation.ts";

/** A message as it comes out of the shipped codec on the other side. */
export function overTheWire(message: Message): Message {
  const arrived = decoded(bytesOf(message), message);
  if (arrived !== undefined) return arrived;
  throw new ViolationError("wire-carries", `no ${message.type} is left of one`);
}

/** Changes a message on its way: some bits are turned, or the end is missing. The frame's checksums must tell. */
export function corrupted(message: Message, random: Prng): void {
  let bytes = bytesOf(message);
  if (random() < 0.5) {
    for (let count = between(random, 1, 3); count > 0; count--) {
      // Different ones: what is turned twice is whole again.
      const at = between(random, 0, bytes.length - 1);
      bytes[at] = bytes[at]! ^ (1 << count);
    }
  } else bytes = bytes.slice(0, between(random, 0, bytes.length - 1));
  if (decoded(bytes, message) !== undefined) {
    throw new ViolationError("wire-refuses", `a changed ${message.type} is taken for a message`);
  }
}

function bytesOf(message: Message): Uint8Array {
  const { head, body } = encodeMessage(message);
  const bytes = new Uint8Array(head.length + body.bytes.length);
  bytes.set(head);
  bytes.set(body.bytes, head.length);
  return bytes;
}

function decoded(bytes: Uint8Array, { from, to }: Message): Message | undefined {
  try {
    const assembler = new FrameAssembler();
    const [frame] = assembler.push(bytes);
    // A frame that is not whole waits for the rest, which does not come: the stream is gone.
    return frame === undefined ? undefined : decodeMessage(frame, { from, to });
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
