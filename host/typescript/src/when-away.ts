/** What to answer while the store is away, and its shape. */

import { type Check, isPlain, must, object, u32 } from "./config.js";

/**
 * What to answer while the store is away.
 *
 * - `error`: a {@link StoreError}.
 * - `open`: admit. What a limiter let go is charged when the store is back; a circuit's outcomes count nowhere.
 * - `closed`: refuse, and tell when the store is tried again.
 * - `{ share: hosts }`: decide on this host's own state. A limiter lets go what each of so many hosts (1 to 1,000,000) may alone, so
 *   that together they admit no more than the limit, and charges it when the store is back; a circuit counts on this host alone.
 *
 * At the start of an outage a window can see what the store had admitted and the shares as well.
 */
export type WhenAway = "error" | "open" | "closed" | { readonly share: number };

const words = ["error", "open", "closed"];
const share = object({ share: u32 });

/** The shape of what to answer while the store is away. */
export const checkWhenAway: Check = (value, path, problems) => {
  if (isPlain(value)) return share(value, path, problems);
  const holds = typeof value === "string" && words.includes(value);
  must(holds, value, path, problems, 'one of "error", "open", "closed", or {"share": hosts}');
};
