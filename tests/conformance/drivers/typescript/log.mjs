// What the log says of what is not a strategy's own.

export const SKIPPED = { log: { skipped: true } };

export const DONE = { log: { done: true } };

/** A problem as the contract spells it; the host spells it as the caller wrote the settings. */
export function contractProblem({ path, value, allowed }) {
  const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return { path: kebab(path), value, allowed: allowed.replace(/`[^`]*`/g, kebab) };
}

/** Problems as the log has them. */
export function problemsOf({ problems }) {
  return problems.map(({ path, value, allowed }) => ({ path, value, allowed }));
}

/** The context of a call with the result of an earlier step in it. */
export function outputOf(node, context, given) {
  return given?.json === undefined ? SKIPPED : { log: { output: node.output(context, given.json) } };
}
