// Times work and prints what came of it as one table of ratios.

const SAMPLES = 15;
const SAMPLE_NS = 100e6;

/** The median time of one piece of work in nanoseconds; `run(count)` does it `count` times. */
export async function medianNs(run) {
  let count = 100;
  // Grows until a sample is long enough, which also warms up.
  for (;;) {
    const ns = await time(run, count);
    if (ns >= SAMPLE_NS) break;
    count = Math.min(Math.ceil((count * SAMPLE_NS * 1.2) / Math.max(ns, 1)), count * 100);
  }
  const samples = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) samples.push((await time(run, count)) / count);
  return samples.sort((a, b) => a - b)[(SAMPLES - 1) / 2];
}

async function time(run, count) {
  const start = process.hrtime.bigint();
  await run(count);
  return Number(process.hrtime.bigint() - start);
}

/** One after the other. */
export const alone = (work) => async (count) => {
  for (let done = 0; done < count; done += 1) await work(done);
};

/** By so many callers at once, each one after the other. */
export const together = (callers, work) => async (count) => {
  let turn = 0;
  const caller = async (number) => {
    const share = Math.floor(count / callers) + (number < count % callers ? 1 : 0);
    for (let done = 0; done < share; done += 1) await work(turn++);
  };
  await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
};

/** Measures groups of work; in a group each line is shown beside the first lines that it is held against. */
export async function table(groups) {
  const lines = [];
  for (const { title, beside, works } of groups) {
    const times = new Map();
    for (const [name, run] of Object.entries(works)) times.set(name, await medianNs(run));
    for (const [name, ns] of times) {
      const ratios = beside.filter((other) => other !== name).map((other) => `${(ns / times.get(other)).toFixed(2)} x ${other}`);
      lines.push(`| ${title} | ${name} | ${shown(ns)} | ${Math.round(1e9 / ns).toLocaleString('en-US')} | ${ratios.join(', ')} |`);
    }
  }
  return ['| work | by | time | a second | of its floor and peers |', '|---|---|---:|---:|---|', ...lines].join('\n');
}

const shown = (ns) => (ns < 10_000 ? `${ns.toFixed(0)} ns` : `${(ns / 1000).toFixed(1)} us`);
