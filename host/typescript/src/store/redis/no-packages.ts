/**
 * In place of `packages.js` in a bundle for a browser, where no client library can open a
 * connection.
 */

import type { ClientModule } from "./packages.js";

export const packages: Readonly<Record<string, () => Promise<ClientModule>>> = {};

export const WANTED =
  "a store by URL needs Node's sockets, which are not in this bundle: it was made for a browser, which has the memory store";
