// A store that answers by script and keeps what it was sent.

/**
 * A memory store whose next answers are laid down. When the script is used up it answers as the
 * memory store does.
 */
export class Scripted {
  #store;
  #clock;
  #replies;
  #commits = [];
  #away;

  /** `away` makes the error of a store that does not answer. */
  constructor(store, clock, replies, away) {
    this.#away = away;
    this.#store = store;
    this.#clock = clock;
    this.#replies = [...replies];
  }

  async commit(commit) {
    this.#commits.push(canonical(commit));
    const { away, untimely, refuse, before = [] } = this.#replies.shift() ?? {};
    if (away !== undefined) throw this.#away(away);
    if (untimely) return { outcome: { kind: "untimely" }, clockUs: commit.atUs - untimely.aheadUs, foreign: 0 };
    const clockUs = this.#clock.nowUs();
    if (refuse) {
      return { outcome: { kind: "refused", values: refuse.map((text) => text ?? undefined) }, clockUs, foreign: 0 };
    }
    for (const { cell, text, ttlMs } of before) {
      await write(this.#store, clockUs, commit.entities[0], fieldOf(cell), text, ttlMs);
    }
    return this.#store.commit(commit);
  }

  timeUs() {
    return this.#store.timeUs();
  }

  isAtomicOver() {
    return true;
  }

  takeCommits() {
    return this.#commits.splice(0);
  }
}

/** Writes a cell as another host would, at the store's own time. */
export async function write(store, atUs, entity, field, text, ttlMs) {
  const op = { kind: "put", cell: 0, value: text ?? undefined, ttlMs };
  await store.commit({ atUs, entities: [entity], cells: [{ entity: 0, field }], ops: [op] });
}

/** The number of a cell from its name at the end of a key in Redis, such as `5f3a91.2`. */
export function fieldOf(name) {
  const [geometry, role] = name.split(".");
  return Number.parseInt(geometry, 16) * 256 + Number.parseInt(role, 16);
}

/** A commit as the cases write it. */
function canonical({ atUs, cells, ops }) {
  const name = (cell) => {
    const { field } = cells[cell];
    return `${Math.floor(field / 256).toString(16)}.${(field % 256).toString(16)}`;
  };
  const argumentsOf = {
    get: (op) => [op.expected ?? null],
    observe: () => [],
    put: (op) => [op.value ?? null, op.ttlMs],
    advance: (op) => [op.step, op.floor, op.ceiling, op.ttlMs, op.fits, op.repeat],
    retreat: (op) => [op.step, op.floor],
    raise: (op) => [op.to, op.ttlMs],
  };
  return { atUs, ops: ops.map((op) => [op.kind, name(op.cell), ...argumentsOf[op.kind](op)]) };
}
