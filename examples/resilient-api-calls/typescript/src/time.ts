/** The time, as all processes of this machine see it. */

/** Microseconds since 1970. */
export function nowUs(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1_000);
}

/** Milliseconds from one time to another; 0 where that is earlier. */
export function msSince(startUs: number, atUs: number): number {
  return Math.floor(Math.max(0, atUs - startUs) / 1_000);
}

/** Milliseconds as seconds with two decimals. */
export function seconds(ms: number): string {
  const hundredths = Math.floor((ms % 1_000) / 10);
  return `${Math.floor(ms / 1_000)}.${String(hundredths).padStart(2, "0")} s`;
}
