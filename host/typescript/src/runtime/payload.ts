/** What the component said where the contract has an error; jco throws it with a `payload`. */
export function payloadOf(error: unknown): unknown {
  return error instanceof Error && "payload" in error ? error.payload : undefined;
}
