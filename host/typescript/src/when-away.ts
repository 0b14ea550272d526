/** What to answer while the store is away. */

/**
 * What a limiter answers while the store is away.
 *
 * - `error`: a {@link StoreError}.
 * - `open`: admit. What a limiter let go is charged when the store is back; a circuit's outcomes
 *   count nowhere.
 * - `closed`: refuse, and tell when the store is tried again.
 * - `{ share: hosts }`: decide on this host's own state. A limiter lets go what each of this many
 *   hosts (1 to 1,000,000) may alone, so that together they admit no more than the limit, and
 *   charges it when the store is back.
 *
 * At the start of an outage a window can see what the store had admitted and the shares as well.
 */
export type WhenAway = "error" | "open" | "closed" | { readonly share: number };

/**
 * What a circuit answers while the store is away: as {@link WhenAway}, but that `share` needs no
 * number. It counts on this host alone, by the same rules.
 */
export type CircuitWhenAway = WhenAway | "share";
