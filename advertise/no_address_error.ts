/**
 * The error of a search that found no address.
 *
 * @module
 */

/** One thing that was considered as an address to advertise, and why it was not taken. Frozen. */
export interface PassedOver {
  /** Where it came from: `environment POD_IP`, `route to 10.0.0.2:8080`, `interface eth0`. */
  readonly source: string;
  /** The address in question, when there was one. */
  readonly address?: string;
  /** Why it was not taken. */
  readonly reason: string;
}

function line({ source, address, reason }: PassedOver): string {
  return address === undefined ? `${source}: ${reason}` : `${source}: ${address} (${reason})`;
}

/** No address to advertise was found. The message lists every candidate and why it was passed over. */
export class NoAddressError extends Error {
  /** For `switch` across realms. */
  override readonly name = "NoAddressError";
  /** Every candidate, in the order in which they were considered. */
  readonly candidates: readonly PassedOver[];

  /** Creates the error for these candidates. */
  constructor(candidates: readonly PassedOver[], options?: ErrorOptions) {
    const list = candidates.map((candidate) => `\n- ${line(candidate)}`).join("");
    super(
      `Cannot choose an address to advertise as none is usable${list === "" ? "" : `:${list}`}`,
      options,
    );
    this.candidates = Object.freeze(candidates.map((candidate) => Object.freeze({ ...candidate })));
  }
}
