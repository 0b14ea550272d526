/**
 * The client libraries that a connection is opened with, whichever is installed. They are loaded
 * when a connection is first opened, so that nobody else needs them, and by their plain names, so
 * that a bundler for Node takes them in where they are.
 *
 * For a browser the package's `browser` field puts `no-packages.js` in place of this module.
 */

/** What `import` of a client library gives. */
export type ClientModule = Readonly<Record<string, unknown>>;

/** How each is loaded, in the order in which they are tried. */
export const packages: Readonly<Record<string, () => Promise<ClientModule>>> = {
  ioredis: () => import("ioredis" as string).catch(whyNot("ioredis")),
  redis: () => import("redis" as string).catch(whyNot("redis")),
};

/** What to say where neither is installed. */
export const WANTED =
  "a store by URL needs one of the packages ioredis and redis, and neither is installed: npm install ioredis";

/** A package that is not installed is an empty module. One that cannot be loaded is an error. */
function whyNot(name: string): (error: unknown) => ClientModule {
  return error => {
    const { code, message } = error as { code?: unknown; message?: unknown };
    const isMissing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND" || isOfBundler(message, name);
    if (isMissing && `${message}`.includes(name)) return {};
    throw error;
  };
}

/** What bundlers leave in place of a package that they did not find has no code. */
function isOfBundler(message: unknown, name: string): boolean {
  return new RegExp(`(?:resolve|find|load|module|import)[^]*["'\`]?${name}["'\`]?`, "i").test(`${message}`);
}
