import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { SystemError } from '@assay/core/errors';
import { Health, HostList, ROUTES, route } from '@assay/wire';
import { startVerifier, type Verifier } from '@assay/verifier';
import fastify from 'fastify';
import { z } from 'zod';
import { errorHandler } from '../src/http/errors.ts';
import { EventStreams } from '../src/http/events.ts';
import { call, post, problemIn, refusal, service, TOKENS } from './service.ts';

const OpenApi = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        security: z.array(z.unknown()).optional(),
        responses: z
          .record(
            z.string(),
            z.object({
              content: z
                .record(z.string(), z.object({ schema: z.object({ required: z.array(z.string()).optional() }) }))
                .optional(),
            }),
          )
          .optional(),
      }),
    ),
  ),
});

const JSON_TYPE = { 'content-type': 'application/json' };
const JOIN = { ...JSON_TYPE, authorization: `Bearer ${TOKENS.join}` };

test('the verifier says that it is alive, and which version it is', async (t) => {
  const answer = await call(await service(t), ROUTES.health);
  assert.equal(answer.status, 200);
  assert.deepEqual(Health.parse(JSON.parse(answer.text)), { status: 'ok', version: '0.1.0' });
});

test('an empty fleet is an empty list', async (t) => {
  const answer = await call(await service(t), ROUTES.hosts);
  assert.deepEqual(HostList.parse(JSON.parse(answer.text)), { schema: 'assay.hosts.v1', hosts: [], next: null });
});

test('unknown routes, hosts and methods are problems', async (t) => {
  const verifier = await service(t);
  assert.equal(refusal(await call(verifier, '/v1/nothing')), '404 REQUEST-NOT-FOUND');
  assert.equal(refusal(await call(verifier, '/v1/hosts/web-03')), '404 REQUEST-NOT-FOUND');
  assert.equal(refusal(await call(verifier, '/v1/hosts/web-03/measurements')), '404 REQUEST-NOT-FOUND');
  assert.equal(refusal(await call(verifier, '/v1/findings?host=web-03')), '404 REQUEST-NOT-FOUND');
  assert.equal(refusal(await call(verifier, '/v1/hosts', { method: 'DELETE' })), '404 REQUEST-NOT-FOUND');
  assert.equal(refusal(await call(verifier, '/%ff')), '400 REQUEST-MALFORMED');
});

test('query members that the API does not have, or of another form, are refused by name', async (t) => {
  const verifier = await service(t);
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=1&limit=2', 'sort=name']) {
    const problem = problemIn(await call(verifier, `/v1/hosts?${query}`));
    assert.equal(problem.code, 'REQUEST-INVALID', query);
    assert.match(problem.detail, /limit|sort/);
  }
  assert.equal(refusal(await call(verifier, '/v1/findings?cursor=-1')), '400 REQUEST-INVALID');
});

test('a host header that is not of the loopback is refused, whatever the route', async (t) => {
  const verifier = await service(t);
  for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:4620']) {
    for (const path of ['/', ROUTES.hosts, '/openapi.json', ROUTES.events]) {
      assert.equal(refusal(await call(verifier, path, { headers: { host } })), '421 REQUEST-HOST', `${host} ${path}`);
    }
  }
  for (const host of ['localhost', `localhost:${verifier.port}`, '127.0.0.1:1', '[::1]:4620', 'LOCALHOST']) {
    assert.equal((await call(verifier, ROUTES.hosts, { headers: { host } })).status, 200, host);
  }
});

test('writes need JSON, the right token and a body of the right form, looked at in this order', async (t) => {
  const verifier = await service(t);
  const enrol = (headers: Record<string, string>, body: string) =>
    call(verifier, ROUTES.enrol, { method: 'POST', headers, body });
  assert.equal(refusal(await enrol({}, '{}')), '415 REQUEST-MEDIA-TYPE');
  assert.equal(refusal(await enrol({ ...JOIN, 'content-type': 'text/plain' }, '{}')), '415 REQUEST-MEDIA-TYPE');
  assert.equal(refusal(await enrol({ ...JOIN, 'content-type': 'application/jsonp' }, '{}')), '415 REQUEST-MEDIA-TYPE');
  assert.equal(refusal(await enrol({ ...JSON_TYPE, authorization: 'Bearer x' }, '{}')), '401 REQUEST-UNAUTHENTICATED');
  const wrong = { ...JSON_TYPE, authorization: `Bearer ${TOKENS.operator}` };
  assert.equal(refusal(await enrol(wrong, '{}')), '403 REQUEST-FORBIDDEN');
  assert.equal(
    refusal(await enrol({ ...JSON_TYPE, authorization: `Basic ${TOKENS.join}` }, '{}')),
    '401 REQUEST-UNAUTHENTICATED',
  );
  assert.equal(refusal(await enrol(JOIN, '{"name":')), '400 REQUEST-MALFORMED');
  assert.equal(refusal(await enrol(JOIN, '')), '400 REQUEST-MALFORMED');
  assert.equal(refusal(await enrol(JOIN, '{"__proto__":{"name":"x"}}')), '400 REQUEST-MALFORMED');
  assert.equal(refusal(await enrol(JOIN, '{}')), '400 REQUEST-INVALID');
});

test('a missing token is answered with the way to authenticate', async (t) => {
  const verifier = await service(t);
  const captures = route(ROUTES.captures, 'web-03');
  for (const path of [captures, ROUTES.challenge, ROUTES.evidence, ROUTES.renewKey]) {
    const answer = await call(verifier, path, { method: 'POST', headers: JSON_TYPE, body: '{}' });
    assert.equal(refusal(answer), '401 REQUEST-UNAUTHENTICATED', path);
    assert.equal(answer.headers['www-authenticate'], 'Bearer realm="assay"');
  }
  assert.equal(refusal(await post(verifier, captures, TOKENS.join, {})), '403 REQUEST-FORBIDDEN');
  assert.equal(refusal(await post(verifier, ROUTES.evidence, TOKENS.operator, {})), '401 REQUEST-UNAUTHENTICATED');
  assert.equal(refusal(await post(verifier, ROUTES.challenge, TOKENS.operator, {})), '401 REQUEST-UNAUTHENTICATED');
});

test('the body of a request without a token is not read', async (t) => {
  const verifier = await service(t);
  const body = '{'.repeat(1024 * 1024);
  const answer = await call(verifier, ROUTES.evidence, { method: 'POST', headers: JSON_TYPE, body }).catch(String);
  // The verifier may close the connection while the body is still on its way.
  if (typeof answer !== 'string') assert.equal(refusal(answer), '401 REQUEST-UNAUTHENTICATED');
});

test('a body over the limit of its route is refused', async (t) => {
  const verifier = await service(t);
  const answer = await post(verifier, ROUTES.enrol, TOKENS.join, { name: 'x'.repeat(70_000) });
  assert.equal(refusal(answer), '413 REQUEST-TOO-LARGE');
});

test('keys that are no keys are refused with the code of their fault', async (t) => {
  const verifier = await service(t);
  const facts = { tpmKind: 'simulated', listSource: 'simulated', kernel: '6.12', agentVersion: '0.1.0' };
  const enrol = (ekPublic: string) =>
    post(verifier, ROUTES.enrol, TOKENS.join, { name: 'h', ekPublic, akPublic: '', facts });
  assert.equal(refusal(await enrol('AAA=')), '422 BYTES-TRUNCATED');
  assert.equal(refusal(await enrol('AAB=')), '422 TEXT-BASE64');
  assert.equal(refusal(await enrol('not base64')), '400 REQUEST-INVALID');
});

test('bytes that are not HTTP are answered with a problem', async (t) => {
  const verifier = await service(t);
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(verifier.port, '127.0.0.1', () => socket.write('hello\r\n\r\n'));
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
  assert.match(text, /^HTTP\/1\.1 400 /);
  assert.match(text, /"code":"REQUEST-MALFORMED"/);
});

test('whoever sends a request byte by byte is cut off some time', async (t) => {
  const served = Promise.withResolvers<Server>();
  const note = (message: unknown): void => served.resolve((message as { readonly server: Server }).server);
  subscribe('http.server.request.start', note);
  t.after(() => unsubscribe('http.server.request.start', note));
  await call(await service(t), ROUTES.health);
  const { requestTimeout, headersTimeout } = await served.promise;
  for (const milliseconds of [requestTimeout, headersTimeout]) {
    assert.ok(milliseconds > 0 && milliseconds <= 300_000, String(milliseconds));
  }
});

test('every answer forbids scripts, styles and frames from elsewhere', async (t) => {
  const verifier = await service(t);
  for (const path of ['/', ROUTES.hosts, '/nothing', ROUTES.health]) {
    const { headers } = await call(verifier, path);
    const policy = headers['content-security-policy'];
    assert.match(String(policy), /^default-src 'none';script-src 'self';/, path);
    assert.doesNotMatch(String(policy), /unsafe|https?:|\*/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
  }
});

test('the API is described with each of its routes', async (t) => {
  const { text } = await call(await service(t), '/openapi.json');
  const { paths } = OpenApi.parse(JSON.parse(text));
  const routes = Object.values(ROUTES).map((path) => path.replace(/:(\w+)/, '{$1}'));
  assert.deepEqual(Object.keys(paths).toSorted(), routes.toSorted());
  assert.deepEqual(paths[ROUTES.evidence]?.['post']?.security, [{ bearer: [] }]);
  const problem = paths[ROUTES.hosts]?.['get']?.responses?.['default']?.content?.['application/problem+json']?.schema;
  assert.deepEqual(problem?.required?.toSorted(), ['code', 'detail', 'status', 'title', 'type']);
});

test('without a built page, the root says how to build it', async (t) => {
  const missing = await call(await service(t), '/');
  assert.equal(missing.headers['content-type'], 'text/plain; charset=utf-8');
  assert.match(missing.text, /npm run build:dashboard/);
  const empty = await call(await service(t, { publicDirectory: pageDirectory(t, {}) }), '/');
  assert.equal(empty.text, missing.text);
});

test('the built page is served at its own paths, and no file outside of it', async (t) => {
  const publicDirectory = pageDirectory(t, { 'index.html': '<title>Assay</title>', 'assets/app-1a2b.js': 'let x;' });
  const verifier = await service(t, { publicDirectory });
  const html = { accept: 'text/html' };
  for (const path of ['/', '/hosts/web-03.example']) {
    const answer = await call(verifier, path, { headers: html });
    assert.equal(answer.text, '<title>Assay</title>', path);
    assert.equal(answer.headers['cache-control'], 'no-cache');
  }
  const script = await call(verifier, '/assets/app-1a2b.js');
  assert.match(String(script.headers['cache-control']), /immutable/);
  assert.equal(refusal(await call(verifier, '/assets/none.js', { headers: html })), '404 REQUEST-NOT-FOUND');
  assert.equal(refusal(await call(verifier, '/v1/none', { headers: html })), '404 REQUEST-NOT-FOUND');
  for (const path of ['/../verifier.db', '/%2e%2e/%2e%2e/etc/passwd', '/assets/..%2f..%2f..%2fetc/passwd']) {
    assert.doesNotMatch((await call(verifier, path)).text, /root:|SQLite/);
  }
});

test('listeners are greeted, and let go when the verifier ends', async (t) => {
  const verifier = await service(t);
  const response = await fetch(`${verifier.url}${ROUTES.events}`);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.match(String(response.headers.get('content-security-policy')), /default-src 'none'/);
  await verifier.close();
  assert.match(await response.text(), /^retry: 2000\n\n(: heartbeat\n\n)*$/);
});

test('a listener that comes while the verifier ends is sent away, and does not keep it', async (t) => {
  const streams = new EventStreams({ whole: () => Promise.resolve([]), lines: () => Promise.resolve([]) });
  const app = fastify();
  t.after(() => app.close());
  app.setErrorHandler(errorHandler(() => undefined));
  app.get(ROUTES.events, async (_request, reply) => {
    streams.open(reply, 'whole', { who: 'somebody', admitAgain: null });
    return reply;
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  await streams.close();
  const answer = await call({ url }, ROUTES.events);
  assert.equal(refusal(answer), '503 VERIFIER-STOPPING');
  assert.equal(answer.headers['retry-after'], '2');
});

test('a taken port is an error that names the address', async (t) => {
  const { port } = await service(t);
  const second: Promise<Verifier> = startVerifier({ store: 'sqlite::memory:', port, tokens: TOKENS });
  await assert.rejects(second, (error) => {
    assert(error instanceof SystemError);
    assert.equal(error.code, 'PORT-TAKEN');
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}`));
    return true;
  });
});

test('off the loopback, reading needs the operator token', async (t) => {
  const verifier = await service(t, { host: '0.0.0.0' });
  assert.equal(refusal(await call(verifier, ROUTES.hosts)), '401 REQUEST-UNAUTHENTICATED');
  assert.equal(refusal(await call(verifier, ROUTES.events)), '401 REQUEST-UNAUTHENTICATED');
  const headers = { authorization: `Bearer ${TOKENS.operator}`, host: 'verifier.example' };
  assert.equal((await call(verifier, ROUTES.hosts, { headers })).status, 200);
});

function pageDirectory(t: TestContext, files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'assay-page-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'assets'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}
