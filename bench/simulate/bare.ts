// What a simulation cannot do without: every name, its attributes and its label, on as many threads.
import { once } from 'node:events';
import { lstatSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { getXattr } from '@assay/linux/xattr';

const THREADS = Math.min(availableParallelism(), 16);
const PARTS = 24;

interface Seen {
  files: number;
  bytes: number;
  labels: number;
}

function look(path: string, seen: Seen): string[] {
  const below: string[] = [];
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const at = `${path}/${entry.name}`;
    if (entry.isDirectory()) below.push(at);
    if (!entry.isFile()) continue;
    seen.files += 1;
    seen.bytes += lstatSync(at).size;
    if (getXattr(Buffer.from(at), 'security.ima') !== undefined) seen.labels += 1;
  }
  return below;
}

function walk(path: string): Seen {
  const seen = { files: 0, bytes: 0, labels: 0 };
  const waiting = [path];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) waiting.push(...look(at, seen));
  return seen;
}

async function main(root: string): Promise<Seen> {
  const total = { files: 0, bytes: 0, labels: 0 };
  let waiting = [root];
  while (waiting.length > 0 && waiting.length < THREADS * PARTS) waiting = waiting.flatMap((path) => look(path, total));
  const workOff = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url));
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const answer = once(worker, 'message').then(([seen]: Seen[]) => seen);
      worker.postMessage(part, []);
      const seen = await answer;
      total.files += seen?.files ?? 0;
      total.bytes += seen?.bytes ?? 0;
      total.labels += seen?.labels ?? 0;
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: THREADS }, workOff));
  return total;
}

if (isMainThread) console.log(JSON.stringify(await main(process.argv[2] ?? '/usr')));
else parentPort?.on('message', (part: string) => parentPort?.postMessage(walk(part), []));
