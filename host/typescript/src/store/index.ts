export type { Forgotten, ForgottenListener } from "./forgetting.js";
export { Memory, type MemoryOptions, type WhenFull } from "./memory.js";
export { MemoryStore } from "./memory-store.js";
export type { RedisClient } from "./redis/client.js";
export { RedisStore, type RedisStoreOptions, redisStore } from "./redis/redis-store.js";
export * from "./store.js";
