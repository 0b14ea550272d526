/** Who uses a store: it is closed with the last gate on it. */

import type { Store } from "./store.js";

const users = new WeakMap<Store, number>();

/** A gate uses the store. Returns what is to be called when the gate is closed, once. */
export function use(store: Store): () => Promise<void> {
  users.set(store, (users.get(store) ?? 0) + 1);
  return async () => {
    const left = (users.get(store) ?? 1) - 1;
    users.set(store, left);
    if (left === 0) await store.close?.();
  };
}
