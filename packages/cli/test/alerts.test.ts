import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { startVerifier } from '@assay/verifier';
import { readSinks } from '@assay/verifier/alerts';
import { AlertList, AlertSinkList } from '@assay/wire';
import { assay, assertFails, documentIn, scratch } from './assay.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

function sinkFile(t: TestContext, sinks: readonly object[]): string {
  const file = join(scratch(t), 'alerts.json');
  writeFileSync(file, JSON.stringify({ schema: 'assay.alerts.v1', sinks }));
  return file;
}

async function receiver(t: TestContext): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
    request.on('end', () => response.writeHead(204).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { url: `http://127.0.0.1:${address.port}/`, bodies };
}

describe('assay alerts test', () => {
  test('sends a message to each sink, and says which did not take it', async (t) => {
    const { url, bodies } = await receiver(t);
    const hook = { type: 'webhook', secret: SECRET };
    const good = sinkFile(t, [{ ...hook, name: 'pager', url }]);
    const sent = await assay(['alerts', 'test', good]);
    assert.deepEqual([sent.code, sent.stdout], [0, 'pager  webhook  sent\n'], sent.stderr);
    assert.match(bodies.join(''), /"type":"tag\.assay\.alert\.test"/);
    const half = sinkFile(t, [
      { ...hook, name: 'pager', url },
      { ...hook, name: 'dead', url: 'http://127.0.0.1:9/' },
    ]);
    const json = await assay(['alerts', 'test', half, '-o', 'json']);
    assert.equal(json.code, 4);
    const sinks = documentIn(json)['sinks'];
    assert.ok(Array.isArray(sinks));
    assert.deepEqual(sinks[0], { sink: 'pager', type: 'webhook', failure: null });
    assert.match(JSON.stringify(sinks[1]), /ECONNREFUSED|bad port/);
  });

  test('says so of a file without sinks, and refuses one that is none', async (t) => {
    assert.deepEqual((await assay(['alerts', 'test', sinkFile(t, [])])).stdout, 'The file names no sinks.\n');
    const bad = sinkFile(t, [{ name: 'x', type: 'pager' }]);
    await assertFails(['alerts', 'test', bad], { exit: 3, code: 'ALERT-SINK' });
    await assertFails(['alerts', 'test', '/nowhere'], { exit: 3, code: 'ENOENT' });
    const served = await assay(['verifier', 'serve', '--state', scratch(t), '--alerts', bad]);
    assert.equal(served.code, 3);
    assert.match(served.stderr, /^error ALERT-SINK: /);
  });
});

test('assay alerts list says when nothing is open', async (t) => {
  const tokens = { operator: 'operator-token', join: 'join-token' };
  const verifier = await startVerifier({ store: `sqlite:${join(scratch(t), 'db')}`, port: 0, tokens });
  t.after(() => verifier.close());
  const text = await assay(['alerts', 'list', '--url', verifier.url]);
  assert.deepEqual([text.code, text.stdout], [0, 'Nothing is open.\n']);
  const json = await assay(['alerts', 'list', '--all', '--url', verifier.url, '-o', 'json']);
  assert.deepEqual(AlertList.parse(documentIn(json)).alerts, []);
  await assertFails(['alerts', 'list', '--url', 'http://127.0.0.1:9'], { exit: 4, code: 'VERIFIER-UNREACHABLE' });
});

test('assay alerts sinks lists where alerts go, and has the verifier try each', async (t) => {
  const { url, bodies } = await receiver(t);
  const hook = { type: 'webhook', secret: SECRET };
  const file = sinkFile(t, [
    { ...hook, name: 'pager', url },
    { ...hook, name: 'dead', url: 'http://127.0.0.1:9/', minimum: 'failed' },
  ]);
  const tokens = { operator: 'operator-token', join: 'join-token' };
  const store = `sqlite:${join(scratch(t), 'db')}`;
  const verifier = await startVerifier({ store, port: 0, tokens, alertSinks: readSinks(readFileSync(file)) });
  t.after(() => verifier.close());
  const at = ['--url', verifier.url];
  const listed = await assay(['alerts', 'sinks', ...at]);
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /^pager +webhook +http:\/\/127\.0\.0\.1:\d+ +warning$/m);
  await assertFails(['alerts', 'sinks', '--test', ...at, '--state', scratch(t)], {
    exit: 5,
    code: 'REQUEST-UNAUTHENTICATED',
  });
  const env = { ASSAY_TOKEN: tokens.operator };
  const tried = await assay(['alerts', 'sinks', '--test', ...at], { env });
  assert.equal(tried.code, 4);
  assert.match(tried.stdout, /^pager .* sent$/m);
  assert.match(tried.stdout, /^dead .* failed: /m);
  assert.match(bodies.join(''), /"type":"tag\.assay\.alert\.test"/);
  const json = AlertSinkList.parse(documentIn(await assay(['alerts', 'sinks', ...at, '-o', 'json'])));
  assert.deepEqual(
    json.sinks.map(({ name, minimum }) => [name, minimum]),
    [
      ['pager', 'warning'],
      ['dead', 'failed'],
    ],
  );
});
