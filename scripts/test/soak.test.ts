import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { SystemError } from '@assay/core/errors';
import { defaultCache, smallestDebian } from '@assay/testkit/lab';
import { cannotMount } from '@assay/testkit/mounts';
import { ROOT } from '../workspace.ts';

const skip = cannotMount() ?? (await whyNoDebian());
const run = promisify(execFile);

async function whyNoDebian(): Promise<string | false> {
  try {
    await smallestDebian({ cache: defaultCache() });
    return false;
  } catch (error) {
    if (error instanceof SystemError) return `no Debian can be built here: ${error.message.slice(0, 300)}`;
    throw error;
  }
}

/** The long form is `npm run bench -- soak`. */
test('under enforce apt and dpkg install, upgrade themselves, and remove, and nothing but foreign programs is refused', {
  skip,
  timeout: 280_000,
}, async () => {
  const given = [join(ROOT, 'bench/soak.ts'), '--minutes', '0', '--residents', '1', '--supervise', 'open', '--json'];
  const limit = { timeout: 270_000, killSignal: 'SIGINT', maxBuffer: 16 * 1024 * 1024 } as const;
  const { stdout } = await run(process.execPath, given, limit).catch((error: unknown) => {
    if (error instanceof Error && 'stdout' in error && error.stdout !== '') return { stdout: String(error.stdout) };
    throw error;
  });
  const result: unknown = JSON.parse(stdout);
  assert.ok(typeof result === 'object' && result !== null && 'judgements' in result && 'transactions' in result);
  assert.ok(Array.isArray(result.judgements) && result.judgements.length >= 7);
  const failing = result.judgements.filter((one: unknown) => JSON.stringify(one).includes('"holds":false'));
  assert.deepEqual(failing, []);
  assert.ok(Number(result.transactions) >= 9);
});
