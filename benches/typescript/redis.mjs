// A Redis of the benchmark's own: on a free port of loopback, with nothing persisted, stopped by
// its pid.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

/** With `more` on its command line. */
export async function startRedis(...more) {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-bench-'));
  const settings = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory, ...more];
  const server = spawn('redis-server', settings.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  await ready(server);
  const stop = async () => {
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await gone;
    rmSync(directory, { recursive: true, force: true });
  };
  return { port, stop };
}

function ready(server) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
    createInterface({ input: server.stdout }).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve();
    });
  });
}
