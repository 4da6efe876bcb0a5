import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ASSAY, assay, assertFails, documentIn, scratch } from './assay.ts';
import { serving } from './serving.ts';

const NOBODYS = 'ab'.repeat(32);

test('the verifier serves from the store that is named, and a digest that nobody measured is an answer', async (t) => {
  const directory = scratch(t);
  const store = join(directory, 'fleet.sqlite');
  const { url } = await serving(t, ['--store', `sqlite:${store}`, '--state', join(directory, 'state')]);
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

/** All that a verifier says that is stopped as soon as it serves. */
async function saidBy(...words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [ASSAY, 'verifier', 'serve', '--port', '0', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const piece of child.stdout) {
    said += String(piece);
    if (said.includes('tokens.json')) child.kill('SIGTERM');
  }
  return said;
}

test('a verifier that others can reach without TLS says what that means; on the loopback, or with TLS, nothing is to be said', async (t) => {
  const state = ['--state', join(scratch(t), 'state')];
  assert.match(await saidBy('--host', '0.0.0.0', ...state), /plain HTTP.*\n.*--tls-name NAME/);
  assert.doesNotMatch(await saidBy(...state), /plain HTTP/);
  assert.doesNotMatch(await saidBy('--host', '0.0.0.0', '--tls-name', 'localhost', ...state), /plain HTTP/);
});

test('what is no digest is wrong usage', async () => {
  await assertFails(['digest', 'who', 'sha256'], { exit: 2, code: 'USAGE' });
});

test('tokens are made, listed and revoked, and the log of it is verified against what was remembered', async (t) => {
  const directory = scratch(t);
  const state = join(directory, 'state');
  const store = join(directory, 'fleet.sqlite');
  const { url } = await serving(t, ['--store', `sqlite:${store}`, '--state', state]);
  const asked = ['--url', url, '--state', state];
  const made = await assay([
    'verifier',
    'token',
    'create',
    '--name',
    'ci',
    '--role',
    'viewer',
    '--days',
    '1',
    ...asked,
  ]);
  assert.match(made.stdout, /^[\w-]{43}\n$/);
  assert.match(made.stderr, /^token [0-9a-f]{12} of ci, viewer, until .*; its secret is shown only now\n$/);
  const id = /[0-9a-f]{12}/.exec(made.stderr)?.[0] ?? '';
  assert.match(
    (await assay(['verifier', 'token', 'list', ...asked])).stdout,
    new RegExp(`${id} +ci +viewer +good until`),
  );

  const head = join(directory, 'head.json');
  const verify = ['audit', 'verify', '--head', head, ...asked];
  assert.deepEqual((await assay(verify)).stdout, '1 entries, none changed, moved or removed\n');
  assert.equal((await assay(['verifier', 'token', 'revoke', id, ...asked])).stdout, `token ${id} of ci is revoked\n`);
  assert.equal((await assay(['verifier', 'token', 'revoke', id, ...asked])).code, 1);
  assert.equal((await assay(verify)).code, 0);
  assert.match((await assay(['audit', 'show', ...asked])).stdout, /2 .* built-in-operator +token\.revoke/);

  const raw = new DatabaseSync(store);
  t.after(() => raw.close());
  raw.exec('delete from audit where seq = 2');
  const cut = await assay(verify);
  assert.deepEqual([cut.code, cut.stdout], [1, 'the log was cut: it ends at 1, and had 2 entries before\n']);
  raw.exec("update audit set actor = 'nobody'");
  assert.deepEqual(documentIn(await assay([...verify, '-o', 'json'])), {
    schema: 'assay.audit-verification.v1',
    intact: false,
    problem: 'entry 1 was changed, or what stands before it',
    head: { seq: 0, hash: '00'.repeat(32) },
  });
});

test('who has no token, or one of too low a role, is told so', async (t) => {
  const directory = scratch(t);
  const state = join(directory, 'state');
  const { url } = await serving(t, ['--store', `sqlite:${join(directory, 'fleet.sqlite')}`, '--state', state]);
  const here = ['--url', url, '--state', join(directory, 'other')];
  await assertFails(['audit', 'show', ...here], { exit: 5, code: 'REQUEST-UNAUTHENTICATED' });
  const made = ['verifier', 'token', 'create', '--name', 'ci', '--role', 'operator', '--url', url, '--state', state];
  const secret = (await assay(made)).stdout.trim();
  const env = { ASSAY_TOKEN: secret };
  await assertFails(['audit', 'show', ...here], { exit: 5, code: 'REQUEST-FORBIDDEN' }, { env });
});
