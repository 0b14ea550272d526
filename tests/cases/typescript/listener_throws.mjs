// Before: exits with 1, the listener's own error ends the process.
import { Redis } from 'ioredis'; import { redisStore, Tidegate } from 'tidegate';
const redis = new Redis(1, { retryStrategy: null, enableOfflineQueue: false }); redis.on('error', () => {});
const gate = new Tidegate({ store: redisStore(redis), onStoreChange: change => { throw new Error(`metrics are down too, at ${change.after}`); } });
const limiter = gate.rateLimiter({ name: 'api', limits: [{ limit: 5, window: 'second' }], whenAway: 'open' });
for (let i = 0; i < 5; i++) console.log((await limiter.tryAcquire('k')).verdict);
await new Promise(r => setTimeout(r, 50)); console.log('still here');
