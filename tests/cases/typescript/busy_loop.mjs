// The event loop is busy for a moment (JSON, templates, GC) while a call is under way. Before: the
// reply lay in the socket, and the call had "timed out".
import { Redis } from 'ioredis'; import { createClient } from 'redis'; import { redisStore, Tidegate } from 'tidegate';
const port = process.env.PORT ?? 6379; const busy = ms => { const end = performance.now() + ms; while (performance.now() < end); };
for (const [name, client] of [['ioredis', new Redis(port)], ['redis', await createClient({ url: `redis://127.0.0.1:${port}` }).connect()]]) {
  await client.ping(); const changes = [], gate = new Tidegate({ store: redisStore(client), onStoreChange: c => changes.push(c.after) });
  const limiter = gate.rateLimiter({ name: 'lag', limits: [{ limit: 1_000_000, window: 'day' }] }), key = Math.random().toString(36); await limiter.tryAcquire(key);
  const outcomes = [];
  for (let i = 0; i < 6; i++) { const call = limiter.tryAcquire(key).then(d => d.verdict, e => e.reason ?? e.name); await null; await new Promise(r => process.nextTick(r)); busy(400); outcomes.push(await call); }
  const quiet = new Tidegate({ store: redisStore(client, { timeoutMs: 1000 }) }).rateLimiter({ name: 'lag', limits: [{ limit: 1_000_000, window: 'day' }] });
  console.log(name, outcomes.join(' '), '| guard:', changes.join(' '), '| charged in Redis:', (await quiet.peek(key)).count, 'allowed to callers:', 1 + outcomes.filter(o => o === 'allowed').length);
  await (client.destroy ? client.destroy() : client.disconnect());
}
process.exit();
