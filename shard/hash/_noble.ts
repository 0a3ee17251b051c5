import type { HashFamily, HashStream } from "./family.ts";

interface Running {
  update(bytes: Uint8Array): Running;
  clone(): Running;
  digest(): Uint8Array;
}

interface Digest {
  (bytes: Uint8Array): Uint8Array;
  create(): Running;
}

function leading(digest: Uint8Array, bits: 32 | 64): bigint {
  const view = new DataView(digest.buffer, digest.byteOffset);
  return bits === 32 ? BigInt(view.getUint32(0)) : view.getBigUint64(0);
}

/** A family of the leading bits, big endian, of a cryptographic digest. */
export function digestFamily(name: string, bits: 32 | 64, digest: Digest): HashFamily {
  function stream(): HashStream {
    const running = digest.create();
    return {
      write: (bytes) => void running.update(bytes),
      digest: () => leading(running.clone().digest(), bits),
    };
  }
  return Object.freeze({
    name,
    bits,
    hash: (bytes: Uint8Array) => leading(digest(bytes), bits),
    stream,
  });
}
