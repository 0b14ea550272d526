/** Trying a store out: does it do what a commit needs? */

import type { Clock } from "../clock.js";
import { isStoreError, type StoreError } from "../errors.js";
import { EntityKey } from "../key.js";
import { away, timedOut } from "../store/errors.js";
import type { Store } from "../store/store.js";

/** How long what a probe writes lives, in milliseconds. */
const PROBE_TTL_MS = 1_000;

/**
 * How many names are tried to find one in the part of the store that is probed. A cluster has 64
 * parts.
 */
const MAX_NAMES = 16_384;

/** How long a probe may take where the store has no limit of its own, in milliseconds. */
const PROBE_LIMIT_MS = 5_000;

/** Reads the clock of a part of the store and writes there. Gives what that failed with. */
export function tryOut(store: Store, clock: Clock, part: number): Promise<StoreError | undefined> {
  const tried = readAndWrite(store, nameIn(store, part)).then(
    () => undefined,
    (error: unknown) => (isStoreError(error) ? error : away(String(error), error)),
  );
  // Otherwise each of the two ends in its time.
  return store.timeoutMs === undefined ? within(clock, PROBE_LIMIT_MS, tried) : tried;
}

/** What `work` comes to, or that its time is over. */
export function within(
  clock: Clock,
  timeoutMs: number,
  work: Promise<StoreError | undefined>,
): Promise<StoreError | undefined> {
  return new Promise(resolve => {
    const forget = clock.after(timeoutMs, () => resolve(timedOut(timeoutMs)), true);
    void work.then(failure => {
      forget();
      resolve(failure);
    });
  });
}

async function readAndWrite(store: Store, entity: EntityKey): Promise<void> {
  const atUs = await store.timeUs(entity);
  const cells = [{ entity: 0, field: 0 }];
  const put = { kind: "put", cell: 0, value: "1", ttlMs: PROBE_TTL_MS } as const;
  await store.commit({ atUs, entities: [entity], cells, ops: [put] });
}

/** An entity in this part of the store that is nobody's. */
function nameIn(store: Store, part: number): EntityKey {
  for (let name = 0; name < MAX_NAMES; name++) {
    const entity = EntityKey.of("sg", "probe", `${name}`);
    if ((store.shardOf?.(entity) ?? 0) === part) return entity;
  }
  return EntityKey.of("sg", "probe", "");
}
