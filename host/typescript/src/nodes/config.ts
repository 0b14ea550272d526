/** The settings of workflow nodes as JSON text. */

/** The JSON text of settings, for the component to judge. */
export function configText(config: unknown): string {
  if (typeof config === "string") return config;
  return jsonText(config) ?? "null";
}

/** JSON text, or what stands for what has none. */
function jsonText(config: unknown): string | undefined {
  try {
    return JSON.stringify(config);
  } catch {
    // A cycle or a bigint: the component says that a text is no object.
    return '"an object that is not plain data"';
  }
}
