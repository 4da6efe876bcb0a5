import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { ASSAY, assay, assertFails, documentIn, scratch } from './assay.ts';

const NOBODYS = 'ab'.repeat(32);

/** `assay verifier serve`, until the test ends. @returns its address */
async function serving(t: TestContext, words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [ASSAY, 'verifier', 'serve', '--port', '0', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url !== undefined) return url;
  }
  return assert.fail('no address was printed');
}

test('the verifier serves from the store that is named, and a digest that nobody measured is an answer', async (t) => {
  const directory = scratch(t);
  const store = join(directory, 'fleet.sqlite');
  const url = await serving(t, ['--store', `sqlite:${store}`, '--state', join(directory, 'state')]);
  assert(existsSync(store) && existsSync(join(directory, 'state', 'tokens.json')));
  const text = await assay(['digest', 'who', NOBODYS.toUpperCase(), '--url', url]);
  const said = `sha256:${NOBODYS} was never measured.\nNo host has sent evidence yet.\n`;
  assert.deepEqual({ code: text.code, stdout: text.stdout }, { code: 1, stdout: said });
  const json = await assay(['digest', 'who', `sha256:${NOBODYS}`, '--url', url, '-o', 'json']);
  assert.deepEqual(documentIn(json), {
    schema: 'assay.digest.v1',
    digest: `sha256:${NOBODYS}`,
    hosts: 0,
    sightings: [],
    looked: { entries: 0, hosts: 0, since: null },
    next: null,
  });
});

test('what names no store is wrong usage, and a store that does not answer is named without its password', async (t) => {
  const state = join(scratch(t), 'state');
  const refused = async (words: readonly string[], exit: number, said: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await assay(['verifier', 'serve', '--state', state, ...words]);
    assert.deepEqual({ code, stdout }, { code: exit, stdout: '' }, stderr);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /secret/);
  };
  await refused(['--store', 'mysql://a:b@c/d'], 2, /--store takes sqlite:/);
  await refused(['--stale-after', '5'], 2, /longer than --heartbeat/);
  await refused(['--port', 'x'], 2, /whole number/);
  await refused(['--store', 'postgres://a:secret@127.0.0.1:1/assay'], 4, /DATABASE-UNUSABLE: postgres:\/\/a:…@127/);
});

test('what is no digest is wrong usage', async () => {
  await assertFails(['digest', 'who', 'sha256'], { exit: 2, code: 'USAGE' });
});
