/**
 * Rate limiters and circuit breakers as one compiled policy, decided alike in Rust, TypeScript and
 * Python, shared through Redis.
 *
 * @packageDocumentation
 */

import "./inlined.js";

export * from "./api.js";
