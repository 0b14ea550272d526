/** What to answer while the store is away: `error` raises a StoreError, `open` admits, `closed` refuses. */
export type WhenAway = "error" | "open" | "closed";
