// From the start of a tampered program to the finding on /v1/events; as root: [RUNS] [--tpm auto|swtpm|simulated]
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ServerEvent } from '@assay/wire';

/** What the project promises on an idle machine, for 99 of 100. */
const LIMIT_MILLISECONDS = 250;
const PATIENCE_MILLISECONDS = 15_000;
const PAUSE_MILLISECONDS = 400;
const ASSAY = join(import.meta.dirname, '../packages/cli/bin/assay.js');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tpm: { type: 'string', default: 'auto' } },
});
const runs = Number(positionals[0] ?? 100);
if (process.geteuid?.() !== 0) {
  console.error('this benchmark measures programs of this machine, so it needs root');
  process.exit(3);
}
const directory = await mkdtemp(join(tmpdir(), 'assay-bench-'));
const service = spawn(
  process.execPath,
  [ASSAY, 'up', '--port', '0', '--state', join(directory, 'state'), '--tpm', values.tpm],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
try {
  const url = await addressOf(service);
  await captured(url);
  report(await measure(url));
} finally {
  service.kill('SIGINT');
  await once(service, 'exit');
  await rm(directory, { recursive: true, force: true });
}

async function addressOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('assay up has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url !== undefined) {
      child.stdout.resume();
      return url;
    }
  }
  throw new Error('assay up ended before it said its address');
}

/** Until the host has evidence the verifier has nothing to capture. */
async function captured(url: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const capture = spawn(
      process.execPath,
      [ASSAY, 'reference', 'capture', '--url', url, '--state', join(directory, 'state')],
      {
        stdio: 'ignore',
      },
    );
    await once(capture, 'exit');
    if (capture.exitCode === 0) return;
    if (Date.now() > deadline) throw new Error('reference values could not be captured');
    await delay(200);
  }
}

async function measure(url: string): Promise<number[]> {
  const findings = new Map<string, (at: number) => void>();
  const stop = new AbortController();
  const reading = readFindings(url, stop.signal, (path) => findings.get(path)?.(performance.now()));
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const path = await tamperedProgram(run);
    const seen = new Promise<number>((resolve) => findings.set(path, resolve));
    const started = performance.now();
    spawn(path, { stdio: 'ignore' });
    const at = await Promise.race([seen, delay(PATIENCE_MILLISECONDS, undefined)]);
    if (at === undefined) throw new Error(`no finding for ${path} within ${PATIENCE_MILLISECONDS} ms`);
    times.push(at - started);
    await rm(path);
    await delay(PAUSE_MILLISECONDS * (0.5 + Math.random()));
  }
  stop.abort();
  await reading;
  return times;
}

async function tamperedProgram(run: number): Promise<string> {
  const path = join(directory, `tampered-${run}`);
  await copyFile('/bin/true', path);
  await appendFile(path, randomBytes(16));
  await chmod(path, 0o755);
  return path;
}

/** Server-sent events (WHATWG HTML, section 9.2); one `data` line each is what the verifier sends. */
async function readFindings(url: string, signal: AbortSignal, seen: (path: string) => void): Promise<void> {
  try {
    const { body } = await fetch(`${url}/v1/events`, { signal });
    let text = '';
    for await (const chunk of body ?? []) {
      text += Buffer.from(chunk).toString('utf8');
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) notice(block, seen);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function notice(block: string, seen: (path: string) => void): void {
  const data = /^data: ?(.*)$/m.exec(block)?.[1];
  if (data === undefined) return;
  const event = ServerEvent.parse(JSON.parse(data));
  const path = event.type === 'finding' ? event.finding.evidence.filenameHint : null;
  if (path !== null) seen(path);
}

function report(times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  const row = Object.entries({ p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) });
  console.log(`exec to finding on /v1/events, ${sorted.length} runs, milliseconds`);
  console.log(row.map(([name, value]) => `${name} ${value.toFixed(1)}`).join('   '));
  const ratio = at(0.99) / LIMIT_MILLISECONDS;
  console.log(`p99 / limit of ${LIMIT_MILLISECONDS} ms: ${ratio.toFixed(2)} (${ratio <= 1 ? 'within' : 'over'})`);
}
