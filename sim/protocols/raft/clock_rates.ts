/**
 * How fast the clocks of a run may go. Where leases are read by, as differently as leases bear; elsewhere a fifth faster or slower.
 *
 * @param leaseDrift By how much clocks may run apart; `undefined` without leases.
 * @returns The rate of a clock, by the share of what is possible, from -1 to 1, that it is off.
 */
export function clockRates(leaseDrift: number | undefined): (share: number) => number {
  // Clocks at 1 + x and 1 - x run apart by a share of d where x is d / (2 - d); nine tenths of that are within it.
  const most = leaseDrift === undefined ? 0.2 : 0.9 * leaseDrift / (2 - leaseDrift);
  return (share) => 1 + share * most;
}
