import type { Prng } from "../../strategy.ts";
import type { Keyring } from "./keyring.ts";
import type { WireLimits } from "./limits.ts";

/** What packets and streams of one cluster have in common. */
export interface CodecOptions {
  /** The cluster's name, at most 255 bytes of UTF-8; others' traffic is refused. Empty: no label. @default {""} */
  readonly label?: string;
  /** Whether to compress what is sent. What arrives may always be compressed or not. @default {true} */
  readonly compression?: boolean;
  /** Keys to encrypt and decrypt with; without it nothing is encrypted and encrypted traffic is refused. ckit has none. @default {undefined} */
  readonly keyring?: Keyring | undefined;
  /** Whether to refuse what is not encrypted. Only with a keyring; `false` while a cluster turns encryption on. @default {true} */
  readonly verifyIncoming?: boolean;
  /** Whether to encrypt what is sent. Only with a keyring; `false` while a cluster turns encryption on. @default {true} */
  readonly verifyOutgoing?: boolean;
  /** Draws nonces. With a keyring it must be unpredictable. */
  readonly random: Prng;
  /** What a peer may make this node hold. @default {defaultWireLimits} */
  readonly limits?: Partial<WireLimits>;
}
