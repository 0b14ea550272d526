// Times works in turns and prints what came of it as one table of ratios.

import { parseArgs } from 'node:util';

const { values: settings } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean' } } });
const SAMPLES = settings.quick ? 5 : 15;
const SAMPLE_NS = settings.quick ? 20e6 : 100e6;

/** Whether what goes by this title is to be measured. */
export const wants = (title) => settings.only === undefined || title.includes(settings.only);

/**
 * How often to do a work for a sample to be long enough, approached in steps, which also warms up;
 * `run(count)` does it `count` times.
 */
async function enough(run) {
  let count = 100;
  for (;;) {
    const ns = await time(run, count);
    if (ns >= SAMPLE_NS) return count;
    count = Math.min(Math.ceil((count * SAMPLE_NS * 1.2) / Math.max(ns, 1)), count * 100);
  }
}

/**
 * The samples of each work in nanoseconds, taken in turns, so that whatever else the machine does
 * meets them alike.
 */
async function samplesNs(works) {
  const counts = new Map();
  for (const [name, run] of works) counts.set(name, await enough(run));
  const samples = new Map(works.map(([name]) => [name, []]));
  for (let turn = 0; turn < SAMPLES; turn += 1) {
    for (const [name, run] of works) samples.get(name).push((await time(run, counts.get(name))) / counts.get(name));
  }
  return samples;
}

const median = (samples) => [...samples].sort((a, b) => a - b)[(SAMPLES - 1) / 2];

async function time(run, count) {
  const start = process.hrtime.bigint();
  await run(count);
  return Number(process.hrtime.bigint() - start);
}

/** One after the other. */
export const alone = (work) => async (count) => {
  for (let done = 0; done < count; done += 1) await work(done);
};

/** By this many callers at once, each one after the other. */
export const together = (callers, work) => async (count) => {
  let turn = 0;
  const caller = async (number) => {
    const share = Math.floor(count / callers) + (number < count % callers ? 1 : 0);
    for (let done = 0; done < share; done += 1) await work(turn++);
  };
  await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
};

/**
 * Measures groups of work. In a group each line is shown beside those that it is held against: the
 * median of its times over theirs of the same turn.
 */
export async function table(groups) {
  const lines = [];
  for (const { title, beside, works } of groups.filter((group) => wants(group.title))) {
    const samples = await samplesNs(Object.entries(works));
    for (const [name, times] of samples) {
      const ratio = (other) => median(times.map((ns, turn) => ns / samples.get(other)[turn])).toFixed(2);
      const ratios = beside.filter((other) => other !== name).map((other) => `${ratio(other)} x ${other}`);
      const [ns, rate] = [shown(median(times)), Math.round(1e9 / median(times)).toLocaleString('en-US')];
      lines.push(`| ${title} | ${name} | ${ns} | ${rate} | ${ratios.join(', ')} |`);
    }
  }
  return ['| work | by | time | a second | of its floor and peers |', '|---|---|---:|---:|---|', ...lines].join('\n');
}

const shown = (ns) => (ns < 10_000 ? `${ns.toFixed(0)} ns` : `${(ns / 1000).toFixed(1)} us`);
