import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { SimulatedHost } from '@assay/testkit/evidence';
import { ROUTES, TokenReply, type Role } from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { z } from 'zod';
import { content, enrol } from './machine.ts';
import { call, post, problemIn, service, TOKENS, type Answer } from './service.ts';

// Asks every operation that the verifier describes in its OpenAPI document, so that a new one cannot be forgotten.

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
}

const Operation = z.object({
  parameters: z.array(z.object({ in: z.string(), name: z.string() })).default([]),
  requestBody: z
    .object({ content: z.object({ 'application/json': z.object({ schema: z.custom<Schema>() }) }) })
    .optional(),
});
const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), Operation)) });

interface Operation {
  readonly name: string;
  readonly method: string;
  /** With `{id}` in the place of its parameter, if it has one. */
  readonly path: string;
  readonly queries: readonly string[];
  readonly body: Schema | undefined;
}

async function operationsOf(verifier: Verifier): Promise<readonly Operation[]> {
  const { paths } = Document.parse(JSON.parse((await call(verifier, '/openapi.json')).text));
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([verb, { parameters, requestBody }]) => ({
      name: `${verb.toUpperCase()} ${path}`,
      method: verb.toUpperCase(),
      path,
      queries: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
      body: requestBody?.content['application/json'].schema,
    })),
  );
  assert.ok(operations.length >= Object.keys(ROUTES).length, 'there are operations to ask');
  return operations.filter(({ path }) => path !== ROUTES.events);
}

/** What answers without a token, and what it answers to `{}`. */
const OPEN: Readonly<Record<string, number>> = {
  [`GET ${ROUTES.health}`]: 200,
  [`GET ${ROUTES.ready}`]: 200,
  [`GET ${ROUTES.resultKeys}`]: 200,
  [`GET ${ROUTES.whoAmI}`]: 200,
  // There is no identity provider.
  [`GET ${ROUTES.signIn}`]: 404,
  [`GET ${ROUTES.signInCallback}`]: 404,
  [`POST ${ROUTES.signOut}`]: 404,
  // For keys that are registered: the form is looked at first.
  [`POST ${ROUTES.enrol}`]: 400,
  // Its identifier is a secret.
  'POST /v1/agent/enrolments/{id}/activation': 400,
};

let address = 0;
/** Each has its own share of requests. */
function nextAddress(): string {
  address += 1;
  return `127.9.${Math.floor(address / 250)}.${1 + (address % 250)}`;
}

interface Asking {
  readonly token?: string | undefined;
  readonly id?: string;
  readonly query?: string;
  readonly type?: string;
  readonly body?: string;
}

function ask(verifier: Verifier, { method, path }: Operation, asking: Asking = {}): Promise<Answer> {
  const hasBody = method === 'POST';
  const { token, id = 'x', query = '', body = '{}', type = typeOf(path) } = asking;
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(hasBody ? { 'content-type': type } : {}),
  };
  const whole = `${path.replace(/\{\w+\}/, id)}${query}`;
  return call(verifier, whole, { method, headers, from: nextAddress(), ...(hasBody ? { body } : {}) });
}

function typeOf(path: string): string {
  return path === ROUTES.listParts ? 'application/octet-stream' : 'application/json';
}

async function tokenOf(verifier: Verifier, role: Role): Promise<string> {
  const request = { name: `${role}@example`, role };
  return content(await post(verifier, ROUTES.tokens, TOKENS.operator, request), TokenReply).secret;
}

describe('off the loopback', () => {
  test('every operation but those that are named here is closed without a token, and with a wrong one', async (t) => {
    const verifier = await service(t, { host: '0.0.0.0' });
    const operations = await operationsOf(verifier);
    const names = operations.map(({ name }) => name);
    assert.deepEqual(
      Object.keys(OPEN).filter((name) => !names.includes(name)),
      [],
    );
    for (const operation of operations) {
      const expected = OPEN[operation.name] ?? 401;
      assert.equal((await ask(verifier, operation)).status, expected, operation.name);
      if (operation.name in OPEN && operation.path !== ROUTES.enrol) continue;
      for (const token of ['x', 'x'.repeat(43), `${TOKENS.operator}x`]) {
        assert.equal((await ask(verifier, operation, { token })).status, 401, `${operation.name} with ${token}`);
      }
    }
  });

  test('the token of a host opens what agents ask, and nothing else; that of enrolment enrols, and nothing else', async (t) => {
    const verifier = await service(t, { host: '0.0.0.0' });
    const { token } = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
    for (const operation of await operationsOf(verifier)) {
      if (operation.name in OPEN) continue;
      const isOfAgents = operation.path.startsWith('/v1/agent/');
      const byHost = (await ask(verifier, operation, { token })).status;
      assert.equal(byHost === 401, !isOfAgents, `${operation.name} answers a host ${byHost}`);
      const byJoin = (await ask(verifier, operation, { token: TOKENS.join })).status;
      assert.equal(byJoin, isOfAgents ? 401 : 403, operation.name);
    }
  });

  test('viewers change nothing', async (t) => {
    const verifier = await service(t, { host: '0.0.0.0' });
    const token = await tokenOf(verifier, 'viewer');
    for (const operation of await operationsOf(verifier)) {
      if (operation.method === 'GET' || operation.name in OPEN) continue;
      const { status } = await ask(verifier, operation, { token });
      assert.equal(status, operation.path.startsWith('/v1/agent/') ? 401 : 403, operation.name);
    }
  });
});

/** An answer to what nobody means: no error of the verifier's own, and nothing raw in it that acts on a terminal or page. */
function assertRefused(answer: Answer, what: string): void {
  assert.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
  assert.notEqual(answer.status, 429, what);
  const { detail } = problemIn(answer);
  assert.ok(detail.length < 2000, `${what}: ${detail.slice(0, 200)}`);
}

const IDS: Readonly<Record<string, string>> = {
  NUL: '%00',
  'a NUL within': 'web%0003',
  'a line feed': 'web%0d%0aset-cookie:%20x',
  'a way up': '..%2f..%2f..%2fetc%2fpasswd',
  'a way up, twice encoded': '%252e%252e%252f',
  'a bidirectional override': 'web%e2%80%ae03',
  'bytes that are no text': '%ff%fe',
  'a lone surrogate': '%ed%a0%80',
  'half an escape': 'a%2',
  quotes: `%27%20or%201%3d1--`,
  'a member of every object': '__proto__',
  'a long one': 'x'.repeat(8000),
};

const DEEP = 20_000;
const BODIES: Readonly<Record<string, string>> = {
  nothing: '',
  'no JSON': '{"a":',
  null: 'null',
  'a number': '1e999',
  'a text': '"\\u0000"',
  'a list': '[]',
  'lists in lists': `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
  'objects in objects': `${'{"a":'.repeat(DEEP / 2)}1${'}'.repeat(DEEP / 2)}`,
  'a prototype': '{"__proto__":{"role":"admin"}}',
  'a constructor': '{"constructor":{"prototype":{"role":"admin"}}}',
  'a member of no name': '{"":0}',
  'bytes that are no text': Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x30, 0x7d]).toString('latin1'),
};

const TYPES = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/html', 'x'];

/** A verifier with one of each thing, and who may ask for all of it. */
class Scene {
  readonly verifier: Verifier;
  readonly operations: readonly Operation[];
  readonly #agentToken: string;

  private constructor(verifier: Verifier, operations: readonly Operation[], agentToken: string) {
    this.verifier = verifier;
    this.operations = operations;
    this.#agentToken = agentToken;
  }

  static async of(t: TestContext): Promise<Scene> {
    const verifier = await service(t);
    const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
    await agent.attest();
    await agent.capture();
    await agent.host.execute('/tmp/x', 'x');
    await agent.attest();
    const other = await SimulatedHost.boot({ name: 'web-03' });
    await post(verifier, ROUTES.enrol, TOKENS.join, await other.enrolRequest());
    return new Scene(verifier, await operationsOf(verifier), agent.token);
  }

  ask(operation: Operation, asking: Asking): Promise<Answer> {
    return ask(this.verifier, operation, { token: this.#tokenFor(operation), ...asking });
  }

  #tokenFor({ path }: Operation): string {
    if (path === ROUTES.enrol) return TOKENS.join;
    return path.startsWith('/v1/agent/') ? this.#agentToken : TOKENS.operator;
  }
}

/** The one thing of each kind that is there. */
const KNOWN: Readonly<Record<string, string>> = {
  hosts: 'web-03',
  findings: 'F-1',
  enrolments: 'E-1',
  policies: 'web-03',
  digests: `sha256:${'0'.repeat(64)}`,
};

function knownId({ path }: Operation): string {
  return KNOWN[path.split('/')[2] ?? ''] ?? 'x';
}

describe('who may do everything', () => {
  test('is refused with ids that are none', async (t) => {
    const scene = await Scene.of(t);
    for (const operation of scene.operations.filter(({ path }) => path.includes('{'))) {
      for (const [what, id] of Object.entries(IDS)) {
        assertRefused(await scene.ask(operation, { id }), `${operation.name} with ${what}`);
      }
    }
  });

  test('is answered or refused with queries that nobody means, and never by an error of the verifier', async (t) => {
    const scene = await Scene.of(t);
    const values = [...Object.values(IDS), '', '-1', '1e99', '9'.repeat(40), '[]'];
    for (const operation of scene.operations.filter(({ method }) => method === 'GET')) {
      const id = knownId(operation);
      for (const name of operation.queries) {
        for (const value of values) {
          const answer = await scene.ask(operation, { id, query: `?${name}=${value}` });
          if (answer.status !== 200) assertRefused(answer, `${operation.name} with ${name}=${value.slice(0, 20)}`);
        }
        const twice = await scene.ask(operation, { id, query: `?${name}=1&${name}=2` });
        assertRefused(twice, `${operation.name} with ${name} twice`);
      }
    }
  });

  test('is refused with bodies and types that nobody means', async (t) => {
    const scene = await Scene.of(t);
    for (const operation of scene.operations.filter(({ body }) => body !== undefined)) {
      const id = knownId(operation);
      for (const [what, body] of Object.entries(BODIES)) {
        assertRefused(await scene.ask(operation, { id, body }), `${operation.name} with ${what}`);
      }
      for (const type of TYPES) {
        const answer = await scene.ask(operation, { id, type });
        assert.equal(answer.status, 415, `${operation.name} as ${type}`);
        assertRefused(answer, operation.name);
      }
    }
  });

  test('may write texts of any characters where texts are taken: stored as they are or refused', async (t) => {
    const scene = await Scene.of(t);
    let asked = 0;
    for (const operation of scene.operations) {
      if (operation.body === undefined) continue;
      for (const text of TEXTS) {
        for (const body of bodiesWith(operation.body, text)) {
          const answer = await scene.ask(operation, { id: knownId(operation), body: JSON.stringify(body) });
          asked += 1;
          if (answer.status >= 300) assertRefused(answer, `${operation.name} with ${JSON.stringify(body)}`);
        }
      }
    }
    assert.ok(asked > 200, String(asked));
  });
});

const TEXTS = ['a\u0000b', 'a\ud800b', '\u202eb\u2066', '\u001b[2J', 'x'.repeat(20_000)];

/** What most patterns take. */
const PLAIN = ['web-03', '', '00', 'AAAA', `sha256:${'0'.repeat(64)}`, '2099-01-01T00:00:00Z', '0'.repeat(64), '1'];

/** Bodies of the schema, in each of which one text that may be any is this one. */
function bodiesWith(schema: Schema, text: string): readonly unknown[] {
  return [...placesOf(schema)].map((place) => sampleOf(schema, '', place, text));
}

/** Where a schema takes texts, as paths of members. */
function* placesOf(schema: Schema, path = ''): Generator<string> {
  const [first] = schema.anyOf ?? schema.oneOf ?? [];
  if (first !== undefined) yield* placesOf(first, path);
  for (const [name, member] of Object.entries(schema.properties ?? {})) yield* placesOf(member, `${path}/${name}`);
  if (schema.items !== undefined) yield* placesOf(schema.items, `${path}/0`);
  if (schema.type === 'string' && schema.enum === undefined && schema.const === undefined) yield path;
}

function sampleOf(schema: Schema, path: string, place: string, text: string): unknown {
  const [first] = schema.anyOf ?? schema.oneOf ?? [];
  if (first !== undefined) return sampleOf(first, path, place, text);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.type === 'object') {
    const members = Object.entries(schema.properties ?? {});
    return Object.fromEntries(members.map(([name, each]) => [name, sampleOf(each, `${path}/${name}`, place, text)]));
  }
  if (schema.type === 'array') {
    return schema.items === undefined ? [] : [sampleOf(schema.items, `${path}/0`, place, text)];
  }
  if (schema.type === 'string') return path === place ? text : plainOf(schema.pattern);
  if (schema.type === 'boolean') return false;
  return schema.type === 'null' ? null : Math.max(1, schema.minimum ?? 1);
}

function plainOf(pattern: string | undefined): string | undefined {
  return PLAIN.find((text) => pattern === undefined || new RegExp(pattern, 'u').test(text));
}
