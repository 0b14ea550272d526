/**
 * SHA-256 (FIPS 180-4). Written out because keys are needed at once, also in browsers, whose own
 * digest is asynchronous. It completes long keys and guards nothing secret.
 */

/**
 * The first 32 bits of the fractional parts of the cube roots (`power` 3) or square roots (2) of
 * the first primes.
 */
function fractions(count: number, power: 2 | 3): Uint32Array {
  const out = new Uint32Array(count);
  for (let found = 0, candidate = 2; found < count; candidate++) {
    if (isPrime(candidate)) out[found++] = fraction(BigInt(candidate), BigInt(power));
  }
  return out;
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) {
    if (candidate % divisor === 0) return false;
  }
  return true;
}

/** In whole numbers: doubles are too short for the last bits of a cube root. */
function fraction(prime: bigint, power: bigint): number {
  const target = prime << (32n * power);
  let low = 0n;
  let high = 1n << 40n;
  while (low + 1n < high) {
    const middle = (low + high) >> 1n;
    if (middle ** power <= target) low = middle;
    else high = middle;
  }
  return Number(BigInt.asUintN(32, low));
}

let constants: { rounds: Uint32Array; start: Uint32Array } | undefined;

/** The digest, 32 bytes. */
export function sha256(message: Uint8Array): Uint8Array {
  constants ??= { rounds: fractions(64, 3), start: fractions(8, 2) };
  const { rounds, start } = constants;
  const state = start.slice();
  const schedule = new Uint32Array(64);
  const whole = message.length - (message.length % 64);
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  for (let at = 0; at < whole; at += 64) compress(state, view, at, schedule, rounds);
  const rest = padded(message, whole);
  for (let at = 0; at < rest.byteLength; at += 64) compress(state, rest, at, schedule, rounds);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => {
    digest.setUint32(index * 4, word);
  });
  return new Uint8Array(digest.buffer);
}

/** The bytes from `whole` on, with the end mark and the length in bits. */
function padded(message: Uint8Array, whole: number): DataView {
  const rest = message.length - whole;
  const bytes = new Uint8Array(rest < 56 ? 64 : 128);
  bytes.set(message.subarray(whole));
  bytes[rest] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setBigUint64(bytes.length - 8, BigInt(message.length) * 8n);
  return view;
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

function compress(state: Uint32Array, block: DataView, at: number, w: Uint32Array, k: Uint32Array): void {
  expand(block, at, w);
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t++) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const one = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + (k[t] as number) + (w[t] as number)) | 0;
    const two = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    state[index] = (state[index] as number) + word;
  });
}

function expand(block: DataView, at: number, w: Uint32Array): void {
  for (let t = 0; t < 16; t++) w[t] = block.getUint32(at + t * 4);
  for (let t = 16; t < 64; t++) {
    const early = w[t - 15] as number;
    const late = w[t - 2] as number;
    const small = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
    const great = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
    w[t] = (w[t - 16] as number) + small + (w[t - 7] as number) + great;
  }
}
