import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { test, type TestContext } from 'node:test';
import { assay, assertFails, scratch, UNSAFE } from './assay.ts';

/** A server on the loopback address that is no verifier, or a hostile one. */
async function peer(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

const UNREACHABLE = { code: 'VERIFIER-UNREACHABLE', exit: 4 };

test('a verifier that does not run: exit code 4, and what to do', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  server.close();
  const url = `http://127.0.0.1:${address.port}`;
  const options = { cwd: scratch(t), env: { ASSAY_URL: url } };
  for (const args of [
    ['hosts', 'get'],
    ['hosts', 'get', 'web-01'],
    ['reference', 'capture'],
  ]) {
    const { stderr } = await assertFails(args, UNREACHABLE, options);
    assert.ok(stderr.includes(url), stderr);
  }
});

test('--url counts more than ASSAY_URL', async (t) => {
  const url = await peer(t, (_request, response) => response.end('{"schema":"assay.hosts.v1","hosts":[],"next":null}'));
  const env = { ASSAY_URL: 'http://127.0.0.1:9' };
  const { code, stdout } = await assay(['hosts', 'get', '--url', url], { env });
  assert.match(stdout, /^No hosts yet\./);
  assert.equal(code, 0);
});

test('something else at the address of the verifier: exit code 4', async (t) => {
  const answers: RequestListener[] = [
    (_request, response) => response.end('<html>hello</html>'),
    (_request, response) => response.writeHead(404).end('not here'),
    (_request, response) => response.end('{"schema":"assay.hosts.v2","hosts":[],"next":null}'),
    (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    (request) => request.socket.destroy(),
    (request, response) => response.write('{', () => request.socket.destroy()),
  ];
  for (const answer of answers) {
    await assertFails(['hosts', 'get'], UNREACHABLE, { env: { ASSAY_URL: await peer(t, answer) } });
  }
});

test('the state of somebody who wrote something else there is STATE-FORMAT', async (t) => {
  const state = scratch(t);
  writeFileSync(`${state}/tokens.json`, 'null');
  await assertFails(['reference', 'capture', '--state', state], { code: 'STATE-FORMAT', exit: 3 });
});

test('what a hostile verifier says does nothing to the terminal', async (t) => {
  const escape = `${String.fromCharCode(27)}[2J\u202e\u009b31m`;
  const problem = { type: 'about:blank', title: escape, status: 409, detail: `no\n${escape}`, code: `X${escape}` };
  const host = {
    id: '0123456789abcdef',
    name: 'here',
    verdict: 'trusted',
    sentence: `all is well\n${escape}`,
    verdictSince: '2026-01-01T00:00:00Z',
    evidenceAt: null,
    staleAfterSeconds: 30,
    enrolledAt: '2026-01-01T00:00:00Z',
    tpm: { kind: 'simulated', trust: 'first-use' },
    list: { source: 'simulated', entries: 1, violations: 0 },
    reference: null,
    openFindings: 0,
  };
  const refusing = await peer(t, (_request, response) => response.writeHead(409).end(JSON.stringify(problem)));
  const listing = await peer(t, (_request, response) =>
    response.end(JSON.stringify({ schema: 'assay.hosts.v1', hosts: [host], next: null })),
  );
  for (const [url, code] of [
    [refusing, 1],
    [listing, 0],
  ] as const) {
    for (const format of ['text', 'json']) {
      const ended = await assay(['hosts', 'get', '-o', format], { env: { ASSAY_URL: url } });
      assert.equal(ended.code, code);
      assert.ok(!UNSAFE.test(ended.stdout + ended.stderr), JSON.stringify(ended));
    }
  }
});

test('a verifier that gives the same page for ever does not keep the command', async (t) => {
  const url = await peer(t, (_request, response) =>
    response.end('{"schema":"assay.hosts.v1","hosts":[],"next":"again"}'),
  );
  await assertFails(['hosts', 'get'], UNREACHABLE, { env: { ASSAY_URL: url } });
});
