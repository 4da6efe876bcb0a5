import assert from 'node:assert/strict';
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { bootAggregate } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { SimulatedList } from '@assay/testkit/evidence';
import { createDatabase } from '@assay/testkit/postgres';
import { z } from 'zod';
import { detailOf, directory, TOKENS } from './bench.ts';

/**
 * ASSAY_TEST_LIST_ENTRIES=1000000 tries a list of a size that no machine has, with the parts that agents send, and
 * ASSAY_TEST_POSTGRES names a server on which to try it.
 */
const ENTRIES = Number(process.env['ASSAY_TEST_LIST_ENTRIES'] ?? 2000);
const TAIL_BYTES = ENTRIES > 300_000 ? 4 * 1024 * 1024 : 16 * 1024;
/** Megabytes of objects, as Node counts them; the whole list would take many times as much. */
const AGENT_HEAP = 64;
const VERIFIER_HEAP = 256;

/** A directory like the kernel's in securityfs. @returns the size of the list */
function writeList(path: string): number {
  const list = new SimulatedList();
  list.begin(
    bootAggregate(nodeHasher, 'sha256', new Map(Array.from({ length: 10 }, (_, pcr) => [pcr, new Uint8Array(32)]))),
  );
  for (let entry = 1; entry < ENTRIES; entry++) {
    list.measure(`/usr/lib/library-${entry}.so`, nodeHasher.digest('sha256', utf8(`${entry}`)));
  }
  mkdirSync(path);
  writeFileSync(join(path, 'binary_runtime_measurements'), '');
  writeFileSync(join(path, 'binary_runtime_measurements_sha256'), list.bytes());
  writeFileSync(join(path, 'runtime_measurements_count'), `${ENTRIES}\n`);
  return list.bytes().length;
}

/** A process that is killed as a crash would end it. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function startVerifier(
  t: TestContext,
  store: string,
  port: string,
): Promise<{ child: ChildProcess; url: string }> {
  const program = join(import.meta.dirname, '../../verifier/test/serve.ts');
  const env = { ...process.env, STORE: store, PORT: port, OPERATOR: TOKENS.operator, JOIN: TOKENS.join };
  const child = spawn(process.execPath, [`--max-old-space-size=${VERIFIER_HEAP}`, program], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => kill(child));
  for await (const url of createInterface({ input: child.stdout })) return { child, url };
  return assert.fail('the verifier did not start');
}

const Told = z.object({ read: z.int().optional(), attested: z.int().optional() });
type Told = z.infer<typeof Told>;

function startAgent(t: TestContext, env: Readonly<Record<string, string>>): ChildProcess {
  const child = fork(join(import.meta.dirname, 'agent-process.ts'), {
    execArgv: [`--max-old-space-size=${AGENT_HEAP}`],
    env: { ...process.env, ...env },
  });
  t.after(() => kill(child));
  return child;
}

/** The first thing that the agent tells of which this is true. */
function told(agent: ChildProcess, isIt: (it: Told) => boolean): Promise<Told> {
  return new Promise((resolve, reject) => {
    agent.on('message', (message) => {
      const it = Told.parse(message);
      if (isIt(it)) resolve(it);
    });
    agent.once('exit', (code, signal) => reject(new Error(`the agent ended with ${code ?? signal}`)));
  });
}

test(`a list of ${ENTRIES} entries is attested in bounded memory, though the verifier and the agent are killed meanwhile`, async (t) => {
  const place = directory(t);
  const size = writeList(join(place, 'ima'));
  assert.ok(size > 8 * TAIL_BYTES);
  const server = process.env['ASSAY_TEST_POSTGRES'];
  const store = server === undefined ? `sqlite:${join(place, 'verifier.db')}` : await createDatabase(server);
  const first = await startVerifier(t, store, '0');
  const agentOf = {
    LIST: join(place, 'ima'),
    SEED: '07'.repeat(32),
    STATE: join(place, 'agent.json'),
    VERIFIER: first.url,
    JOIN: TOKENS.join,
    TAIL: String(TAIL_BYTES),
  };
  const agent = startAgent(t, agentOf);
  const isBehind = (part: number) => (it: Told) => (it.read ?? 0) > part;
  await told(agent, isBehind(size / 4));
  await kill(first.child);
  const second = await startVerifier(t, store, new URL(first.url).port);
  const far = await told(agent, isBehind(size / 2));
  await kill(agent);

  const again = startAgent(t, agentOf);
  const resumed = told(again, isBehind(TAIL_BYTES));
  const attested = told(again, (it) => it.attested === ENTRIES);
  const { read = 0 } = await resumed;
  assert.ok(read >= (far.read ?? 0) - TAIL_BYTES, `it went on at ${read} after ${far.read}`);
  await attested;
  const { list, verdict } = await detailOf(second, 'long');
  assert.deepEqual([list.entries, verdict], [ENTRIES, 'unverified']);
});
