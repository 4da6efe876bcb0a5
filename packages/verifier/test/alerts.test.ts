import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { utf8 } from '@assay/core/bytes';
import { SimulatedHost } from '@assay/testkit/evidence';
import { AlertList, AlertSinkList, AlertSinkTest, AuditPage, DeliveryList, ROUTES, route } from '@assay/wire';
import { readSinks, send, testMessage, type Sink } from '@assay/verifier/alerts';
import type { Verifier } from '@assay/verifier';
import { z } from 'zod';
import { AlertMessage, messageOf, type Cause } from '../src/alerts/message.ts';
import { content, enrol, type TestAgent } from './machine.ts';
import { call, newStore, post, service, TOKENS } from './service.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface Posted {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of webhooks that answers with `status()`, and what it got. */
async function receiver(t: TestContext, status = () => 204): Promise<{ url: string; posted: Posted[] }> {
  const posted: Posted[] = [];
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      posted.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(status()).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${portOf(server.address())}/hook`, posted };
}

function portOf(address: AddressInfo | string | null): number {
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

function webhook(url: string, more: Partial<Extract<Sink, { type: 'webhook' }>> = {}): Sink {
  return { name: 'hook', type: 'webhook', url, payload: 'assay', secret: SECRET, minimum: 'warning', ...more };
}

/** What CloudEvents carry here. */
const Envelope = z.object({ specversion: z.literal('1.0'), id: z.string(), type: z.string(), data: AlertMessage });

function messageIn({ body }: Posted): AlertMessage {
  return Envelope.parse(JSON.parse(body)).data;
}

async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(50);
  }
}

async function trusted(verifier: Verifier, name: string): Promise<TestAgent> {
  const agent = await enrol(verifier, await SimulatedHost.boot({ name }));
  await agent.host.execute('/usr/bin/true', 'true');
  await agent.attest();
  await agent.capture();
  return agent;
}

function fail(): never {
  throw new Error('a message is missing');
}

// Side by side: most of their time is waiting for pauses that are part of what they show.
describe('alerts', { concurrency: true }, () => {
  test('what ran on two hosts is one alert, told once, and told again when it is over', {
    timeout: 60_000,
  }, async (t) => {
    const { url, posted } = await receiver(t);
    const verifier = await service(t, { alertSinks: [webhook(url)] });
    const agents = [await trusted(verifier, 'web-01'), await trusted(verifier, 'web-02')];
    for (const { host } of agents) await host.execute('/tmp/x', 'stranger');
    await Promise.all(agents.map((agent) => agent.attest()));
    const opened = messageIn(await until(() => posted[0]));
    assert.deepEqual([opened.kind, opened.code, opened.total], ['opened', 'IMA-UNKNOWN-DIGEST', 1]);
    assert.deepEqual([opened.causes[0]?.hosts, opened.causes[0]?.hostNames], [2, ['web-01', 'web-02']]);
    const { alerts } = content(await call(verifier, `${ROUTES.alerts}?open=true`), AlertList);
    assert.deepEqual(
      alerts.map(({ code, hosts, resolvedAt }) => [code, hosts, resolvedAt]),
      [['IMA-UNKNOWN-DIGEST', 2, null]],
    );
    for (const agent of agents) await agent.capture();
    const resolved = messageIn(await until(() => posted[1]));
    assert.deepEqual([resolved.kind, resolved.code], ['resolved', 'IMA-UNKNOWN-DIGEST']);
    assert.match(resolved.sentence, /^Resolved: /);
    const { deliveries } = await until(async () => {
      const list = content(await call(verifier, ROUTES.deliveries), DeliveryList);
      return list.deliveries.every(({ state }) => state === 'delivered') ? list : undefined;
    });
    assert.equal(deliveries.length, 2);
    assert.equal(posted.length, 2);
  });

  test('a message is signed so that its receiver can tell who wrote it, and when', async (t) => {
    const { url, posted } = await receiver(t);
    const now = new Date();
    assert.equal(await send(webhook(url), testMessage('m-1', now.toISOString()), now), undefined);
    const [{ headers, body } = { headers: {}, body: '' }] = posted;
    const time = String(headers['webhook-timestamp']);
    const expected = createHmac('sha256', Buffer.alloc(32, 7)).update(`m-1.${time}.${body}`).digest('base64');
    assert.equal(headers['webhook-signature'], `v1,${expected}`);
    assert.equal(headers['webhook-id'], 'm-1');
    assert.match(String(headers['content-type']), /^application\/cloudevents\+json/);
  });

  test('a receiver that fails gets the message again, the same one', { timeout: 60_000 }, async (t) => {
    let answers = 0;
    const { url, posted } = await receiver(t, () => (++answers === 1 ? 500 : 204));
    const verifier = await service(t, { alertSinks: [webhook(url)] });
    const agent = await trusted(verifier, 'web-01');
    await agent.host.execute('/tmp/x', 'stranger');
    await agent.attest();
    const [first, second] = await until(() => (posted.length === 2 ? posted : undefined));
    assert.equal(first?.headers['webhook-id'], second?.headers['webhook-id']);
    assert.deepEqual(messageIn(first ?? fail()), messageIn(second ?? fail()));
  });

  test('what could not be sent before the verifier stopped is sent by the next', { timeout: 60_000 }, async (t) => {
    const store = await newStore(t);
    const nobody = await service(t, { store, alertSinks: [webhook('http://127.0.0.1:9/')] });
    const agent = await trusted(nobody, 'web-01');
    await agent.host.execute('/tmp/x', 'stranger');
    await agent.attest();
    const waiting = await until(async () => {
      const { deliveries } = content(await call(nobody, ROUTES.deliveries), DeliveryList);
      return deliveries.find(({ failure }) => failure !== null);
    });
    assert.deepEqual([waiting.state, waiting.attempts], ['waiting', 1]);
    await nobody.close();
    const { url, posted } = await receiver(t);
    await service(t, { store, alertSinks: [webhook(url)] });
    assert.equal(messageIn(await until(() => posted[0])).id, waiting.message);
  });

  test('an operator sends a test to a sink of the verifier, and learns why it was not taken', async (t) => {
    const [good, bad] = [await receiver(t), await receiver(t, () => 503)];
    const sinks: Sink[] = [
      webhook(`${good.url}?key=secret`),
      webhook(bad.url, { name: 'broken', minimum: 'failed' }),
      {
        name: 'siem',
        type: 'syslog',
        host: 'log.example',
        port: 514,
        transport: 'tcp',
        facility: 13,
        minimum: 'failed',
      },
    ];
    const verifier = await service(t, { alertSinks: sinks });
    const { text } = await call(verifier, ROUTES.alertSinks);
    assert.doesNotMatch(text, /secret|hook\?|whsec/);
    assert.deepEqual(AlertSinkList.parse(JSON.parse(text)).sinks, [
      { name: 'hook', type: 'webhook', target: new URL(good.url).origin, minimum: 'warning' },
      { name: 'broken', type: 'webhook', target: new URL(bad.url).origin, minimum: 'failed' },
      { name: 'siem', type: 'syslog', target: 'tcp://log.example:514', minimum: 'failed' },
    ]);
    const tried = async (name: string) =>
      content(await post(verifier, route(ROUTES.alertSinkTest, name), TOKENS.operator, {}), AlertSinkTest);
    assert.equal((await tried('hook')).failure, null);
    assert.equal(messageIn(good.posted[0] ?? fail()).kind, 'test');
    assert.equal((await tried('broken')).failure, 'the receiver answered 503');
    assert.equal((await post(verifier, route(ROUTES.alertSinkTest, 'none'), TOKENS.operator, {})).status, 404);
    assert.equal((await post(verifier, route(ROUTES.alertSinkTest, 'hook'), 'nobody', {})).status, 401);
    const { entries } = content(
      await call(verifier, ROUTES.audit, { headers: { authorization: `Bearer ${TOKENS.operator}` } }),
      AuditPage,
    );
    assert.deepEqual(
      entries.filter(({ action }) => action === 'alert.test').map(({ subject, detail }) => [subject, detail]),
      [
        ['hook', '{"failure":null}'],
        ['broken', '{"failure":"the receiver answered 503"}'],
      ],
    );
  });

  test('a sink that wants failures only is not told of warnings', { timeout: 60_000 }, async (t) => {
    const [all, grave] = [await receiver(t), await receiver(t)];
    let shift = 0;
    const sinks = [webhook(all.url), webhook(grave.url, { name: 'pager', minimum: 'failed' })];
    const verifier = await service(t, { alertSinks: sinks, now: () => new Date(Date.now() + shift) });
    await trusted(verifier, 'web-01');
    shift = 120_000;
    const silent = messageIn(await until(() => all.posted[0]));
    assert.deepEqual(
      [silent.code, silent.severity, silent.causes[0]?.hostNames],
      ['HOST-STALE', 'warning', ['web-01']],
    );
    assert.equal(grave.posted.length, 0);
  });
});

const CAUSE: Cause = {
  id: 'A-1',
  sentence: 'a stranger ran on web-01',
  severity: 'failed',
  digest: `sha256:${'ab'.repeat(32)}`,
  hosts: 1,
  hostNames: ['web-01'],
  firstSeen: '2026-11-22T10:00:00.000Z',
  lastSeen: '2026-11-22T10:00:01.000Z',
};
const MESSAGE = messageOf('opened', 'IMA-UNKNOWN-DIGEST', [CAUSE], { id: 'm-1', at: '2026-11-22T10:00:05.000Z' });

describe('payloads', () => {
  const posted = async (t: TestContext, payload: 'ocsf' | 'ecs'): Promise<Record<string, unknown>> => {
    const { url, posted: got } = await receiver(t);
    await send(webhook(url, { payload }), MESSAGE, new Date());
    return z.object({ data: z.record(z.string(), z.unknown()) }).parse(JSON.parse(got[0]?.body ?? '')).data;
  };

  test('are Incident Findings of OCSF', async (t) => {
    const event = await posted(t, 'ocsf');
    assert.deepEqual(
      [event['class_uid'], event['type_uid'], event['activity_id'], event['status_id'], event['severity_id']],
      [2005, 200_501, 1, 1, 4],
    );
    assert.equal(event['time'], Date.parse(MESSAGE.at));
    assert.deepEqual(event['finding_info_list'], [
      {
        uid: 'A-1',
        title: 'IMA-UNKNOWN-DIGEST',
        desc: CAUSE.sentence,
        first_seen_time: Date.parse(CAUSE.firstSeen),
        last_seen_time: Date.parse(CAUSE.lastSeen),
      },
    ]);
  });

  test('are alerts of the Elastic Common Schema', async (t) => {
    const event = await posted(t, 'ecs');
    assert.equal(event['@timestamp'], MESSAGE.at);
    assert.deepEqual(event['related'], { hosts: ['web-01'], hash: ['ab'.repeat(32)] });
    assert.deepEqual(event['rule'], { id: 'IMA-UNKNOWN-DIGEST', name: 'IMA-UNKNOWN-DIGEST' });
  });
});

describe('syslog', () => {
  const FORM = /^<(\d+)>1 (\S+) (\S+) assay - (\S+) \[alert@32473 (.*?)(?<!\\)\] \u{feff}(.*)$/su;

  test('gets a datagram of RFC 5424', async (t) => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    t.after(() => socket.close());
    const got = once(socket, 'message');
    const sink = {
      name: 's',
      type: 'syslog',
      host: '127.0.0.1',
      port: socket.address().port,
      transport: 'udp',
      facility: 13,
      minimum: 'warning',
    } as const;
    assert.equal(await send(sink, MESSAGE, new Date()), undefined);
    const [bytes] = (await got) as [Buffer];
    const [, priority, time, , code, data, text] = FORM.exec(bytes.toString()) ?? [];
    assert.deepEqual([priority, time, code], ['106', MESSAGE.at, 'IMA-UNKNOWN-DIGEST']);
    assert.match(data ?? '', /hosts="web-01" digest="sha256:(ab){32}"$/);
    assert.equal(text, CAUSE.sentence);
  });

  test('gets its length in front on a stream, and nothing that ends the structured data early', async (t) => {
    const chunks: Buffer[] = [];
    const server = createServer((socket) => socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)))).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    t.after(() => server.close());
    const hostile = { ...CAUSE, sentence: 'a\nb\u0000c', hostNames: ['x"] y\\'] };
    const message = messageOf('opened', 'X', [hostile], { id: 'm-2', at: MESSAGE.at });
    const sink = {
      name: 's',
      type: 'syslog',
      host: '127.0.0.1',
      port: portOf(server.address()),
      transport: 'tcp',
      facility: 4,
      minimum: 'warning',
    } as const;
    assert.equal(await send(sink, message, new Date()), undefined);
    const bytes = Buffer.concat(chunks).toString();
    const [, length, rest] = /^(\d+) (.*)$/s.exec(bytes) ?? [];
    assert.equal(utf8(rest ?? '').length, Number(length));
    assert.match(rest ?? '', FORM);
    assert.match(rest ?? '', /hosts="x\\"\\\] y\\\\"/);
    assert.ok(!/\p{Cc}/u.test(rest ?? ''));
  });

  test('that nobody listens to is told as a failure on a stream', async () => {
    const sink = {
      name: 's',
      type: 'syslog',
      host: '127.0.0.1',
      port: 9,
      transport: 'tcp',
      facility: 13,
      minimum: 'warning',
    } as const;
    assert.match(String(await send(sink, MESSAGE, new Date())), /ECONNREFUSED/);
  });
});

describe('a file of sinks', () => {
  const good = { name: 'hook', type: 'webhook', url: 'https://example.com/', secret: SECRET };
  const file = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
  const sinks = (...list: unknown[]): Uint8Array => file({ schema: 'assay.alerts.v1', sinks: list });

  test('names webhooks and syslog receivers, with what is left out filled in', () => {
    const read = readSinks(sinks(good, { name: 'log', type: 'syslog', host: 'loghost' }));
    assert.deepEqual(read[0], { ...good, payload: 'assay', minimum: 'warning' });
    assert.deepEqual(read[1], {
      name: 'log',
      type: 'syslog',
      host: 'loghost',
      port: 514,
      transport: 'udp',
      facility: 13,
      minimum: 'warning',
    });
  });

  const bad: readonly [string, Uint8Array][] = [
    ['no JSON', utf8('sinks: []')],
    ['no sinks', file({ schema: 'assay.alerts.v1' })],
    ['another schema', file({ schema: 'assay.alerts.v2', sinks: [] })],
    ['an unknown member', sinks({ ...good, retries: 3 })],
    ['an unknown kind', sinks({ name: 'x', type: 'pager' })],
    ['a name twice', sinks(good, good)],
    ['a file address', sinks({ ...good, url: 'file:///etc/passwd' })],
    ['a short secret', sinks({ ...good, secret: 'whsec_AAAA' })],
    ['a port that is none', sinks({ name: 's', type: 'syslog', host: 'h', port: 70_000 })],
    ...[
      '169.254.169.254',
      '2852039166',
      '0xA9.254.0xa9fe',
      '[::ffff:169.254.169.254]',
      '[fe80::1]',
      '[fd00:ec2::254]',
    ].map((host): [string, Uint8Array] => [`metadata at ${host}`, sinks({ ...good, url: `http://${host}/latest` })]),
    ['syslog to metadata', sinks({ name: 's', type: 'syslog', host: 'fe80::a9fe:a9fe%eth0' })],
    ['33 sinks', sinks(...Array.from({ length: 33 }, (_, index) => ({ ...good, name: `s${index}` })))],
    ['a member twice', utf8('{"schema":"assay.alerts.v1","schema":"assay.alerts.v1","sinks":[]}')],
  ];
  for (const [what, bytes] of bad) {
    test(`is refused for ${what}`, () =>
      assert.throws(() => readSinks(bytes), { name: 'FormatError', code: 'ALERT-SINK' }));
  }
});

test('a burst is one message with the gravest first and at most twenty of its causes', () => {
  const causes = Array.from(
    { length: 50 },
    (_, index): Cause => ({
      ...CAUSE,
      id: `A-${index}`,
      severity: index === 30 ? 'failed' : 'warning',
      sentence: `cause ${index}.`,
    }),
  );
  const message = messageOf('opened', 'X', causes, { id: 'm', at: MESSAGE.at });
  assert.deepEqual(
    [message.total, message.causes.length, message.severity, message.sentence],
    [50, 20, 'failed', 'cause 30 (and 49 more of X).'],
  );
});
