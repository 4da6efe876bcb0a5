import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, test, type TestContext } from 'node:test';
import { ApiClient, Health, ProblemError } from '@assay/wire';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const HEALTH = { status: 'ok', version: '0.1.0' };
const PROBLEM = {
  type: 'about:blank',
  title: 'Not found',
  status: 404,
  detail: 'No such host.',
  code: 'REQUEST-NOT-FOUND',
};

/** A server on the loopback that answers every request like this. */
async function serving(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function sending(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => response.writeHead(status, { ...headers }).end(body);
}

const unreachable = (message: RegExp) => ({ code: 'VERIFIER-UNREACHABLE', message });

describe('a call', () => {
  test('gives what the verifier answered, in the form that was asked for', async (t) => {
    const url = await serving(t, sending(200, JSON.stringify(HEALTH)));
    assert.deepEqual(await new ApiClient(url).call('/healthz', Health), HEALTH);
  });

  test('is a GET without a body and a POST of JSON with one, with the token and the query', async (t) => {
    const seen: (readonly [string | undefined, string | undefined, string | undefined, string | undefined])[] = [];
    const url = await serving(t, (request, response) => {
      seen.push([request.method, request.url, request.headers.authorization, request.headers['content-type']]);
      response.end(JSON.stringify(HEALTH));
    });
    const client = new ApiClient(url, 'old');
    await new ApiClient(url).call('/a', Health);
    await client.withToken('new').call('/b', Health, { body: null });
    await client.call('/c', Health, { query: { host: 'a&b=c', limit: '5' } });
    assert.deepEqual(seen, [
      ['GET', '/a', undefined, undefined],
      ['POST', '/b', 'Bearer new', 'application/json'],
      ['GET', '/c?host=a%26b%3Dc&limit=5', 'Bearer old', undefined],
    ]);
  });

  test('to an address with http where TLS is spoken, or the other way round, says so', async (t) => {
    const plain = await serving(t, sending(200, JSON.stringify(HEALTH)));
    const overTls = new ApiClient(plain.replace('http:', 'https:')).call('/healthz', Health);
    await assert.rejects(overTls, unreachable(/no TLS is spoken there; is it an address with http:\/\/\?/));
    // What TLS does with what is no record of it: it hangs up.
    const server = createTlsServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const withoutTls = new ApiClient(url).call('/healthz', Health);
    await assert.rejects(withoutTls, unreachable(/does it listen with TLS, at an address with https:\/\/\?/));
  });

  test('keeps the token out of what is shown of the client', () => {
    const client = new ApiClient('http://127.0.0.1:1', 'secret-token');
    assert.ok(!JSON.stringify(client).includes('secret-token'));
    assert.deepEqual(Object.keys(client), ['baseUrl']);
  });
});

describe('a refusal', () => {
  test('is a ProblemError with the code and the detail of the verifier', async (t) => {
    const url = await serving(t, sending(404, JSON.stringify(PROBLEM)));
    await assert.rejects(new ApiClient(url).call('/x', Health), (error) => {
      assert.ok(error instanceof ProblemError);
      assert.deepEqual([error.problem, error.message], [PROBLEM, 'No such host.']);
      return true;
    });
  });

  test('without a detail says its title', async (t) => {
    const url = await serving(t, sending(404, JSON.stringify({ ...PROBLEM, detail: '' })));
    await assert.rejects(new ApiClient(url).call('/x', Health), { name: 'ProblemError', message: 'Not found' });
  });

  const foreign: Readonly<Record<string, readonly [number, string, RegExp]>> = {
    'of a proxy, as a page': [502, '<html><h1>Bad gateway</h1></html>', /: answered with status 502$/],
    'with an empty body': [503, '', /: answered with status 503$/],
    'as JSON of another form': [500, '{"error":"boom"}', /: answered with status 500$/],
    'as a problem of another form': [400, JSON.stringify({ ...PROBLEM, status: '400' }), /: answered with status 400$/],
  };
  for (const [name, [status, body, message]] of Object.entries(foreign)) {
    test(`${name} is none of the verifier’s: VERIFIER-UNREACHABLE`, async (t) => {
      const url = await serving(t, sending(status, body, { 'content-type': 'text/html' }));
      await assert.rejects(new ApiClient(url).call('/x', Health), unreachable(message));
    });
  }
});

describe('an answer that is not the verifier’s', () => {
  const bodies: Readonly<Record<string, string>> = {
    'a page': '<!doctype html><title>Login</title>',
    nothing: '',
    'JSON of another schema': '{"status":"ok"}',
    'JSON of another type': '[]',
    'JSON that is cut off': JSON.stringify(HEALTH).slice(0, -1),
    'a number where a text must be': JSON.stringify({ ...HEALTH, version: 1 }),
  };
  for (const [name, body] of Object.entries(bodies)) {
    test(`${name} is VERIFIER-UNREACHABLE, and names the route`, async (t) => {
      const url = await serving(t, sending(200, body));
      await assert.rejects(new ApiClient(url).call('/healthz', Health), unreachable(/answered \/healthz in a form/));
    });
  }

  test('a redirect is not followed, so the token goes nowhere else', async (t) => {
    const tokens: (string | undefined)[] = [];
    const elsewhere = await serving(t, (request, response) => {
      tokens.push(request.headers.authorization);
      response.end(JSON.stringify(HEALTH));
    });
    for (const status of [301, 302, 307, 308]) {
      const url = await serving(t, sending(status, '', { location: `${elsewhere}/healthz` }));
      await assert.rejects(new ApiClient(url, 'secret').call('/healthz', Health), unreachable(/redirect/));
    }
    assert.deepEqual(tokens, []);
  });

  test('an answer that never ends is VERIFIER-UNREACHABLE when it is over the limit', async (t) => {
    const blanks = Buffer.alloc(1024, ' ');
    const url = await serving(t, (_request, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(blanks));
      };
      response.on('drain', write);
      write();
    });
    const client = new ApiClient(url, 'old', fetch, 100_000).withToken('new');
    await assert.rejects(client.call('/healthz', Health), unreachable(/the answer is longer than 100000 bytes/));
  });

  test('a connection that is closed in the middle of an answer is VERIFIER-UNREACHABLE', async (t) => {
    const url = await serving(t, (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"status":');
      setImmediate(() => response.destroy());
    });
    await assert.rejects(new ApiClient(url).call('/healthz', Health), { code: 'VERIFIER-UNREACHABLE' });
  });

  test('what is no HTTP is VERIFIER-UNREACHABLE', async (t) => {
    const url = await serving(t, (_request, response) => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'));
    await assert.rejects(new ApiClient(url).call('/healthz', Health), { code: 'VERIFIER-UNREACHABLE' });
  });
});

describe('no answer', () => {
  test('where nobody listens is VERIFIER-UNREACHABLE, with the address and the reason', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    const call = new ApiClient(`http://127.0.0.1:${port}`).call('/healthz', Health);
    await assert.rejects(call, unreachable(/^verifier at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/));
  });

  test('from a name that does not exist is VERIFIER-UNREACHABLE', async () => {
    const call = new ApiClient('http://no-such-host.invalid').call('/healthz', Health);
    await assert.rejects(call, { code: 'VERIFIER-UNREACHABLE' });
  });

  test('at an address that is none is VERIFIER-UNREACHABLE', async () => {
    for (const url of ['127.0.0.1:4620', 'not an address', 'ftp://127.0.0.1/', '']) {
      await assert.rejects(new ApiClient(url).call('/healthz', Health), { code: 'VERIFIER-UNREACHABLE' }, url);
    }
  });

  test('before the caller gives up is VERIFIER-UNREACHABLE, whether the head or the body is late', async (t) => {
    const heads: Answer = () => undefined;
    const bodies: Answer = (_request, response) => void response.writeHead(200).write('{');
    for (const answer of [heads, bodies]) {
      const url = await serving(t, answer);
      const signal = AbortSignal.timeout(100);
      await assert.rejects(new ApiClient(url).call('/healthz', Health, { signal }), { code: 'VERIFIER-UNREACHABLE' });
      assert.ok(signal.aborted);
    }
  });
});
