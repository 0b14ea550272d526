/** Starts the service, and ends it in order. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import { redisStore, Tidegate } from "tidegate";
import { Service } from "./service.js";
import { settingsOf } from "./settings.js";

const settings = settingsOf(process.env);
const redis = settings.redisUrl === undefined ? undefined : new Redis(settings.redisUrl);
// Tidegate tells what the store fails with; without a listener the client would end the process.
redis?.on("error", () => {});
const gate = new Tidegate(redis === undefined ? {} : { store: redisStore(redis) });
const service = new Service(gate, settings);
await gate.ready({ timeoutMs: 5_000 });

const server = createServer((request, response) => void service.handle(request, response));
server.listen(settings.port, "127.0.0.1");
await once(server, "listening");
process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);

await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
server.close();
server.closeIdleConnections();
await gate.close();
redis?.disconnect();
