import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { swtpmAvailable } from '@assay/testkit/swtpm';
import type { Verifier } from '@assay/verifier';
import { HostTimeline, route, ROUTES } from '@assay/wire';
import { capture, detailOf, directory, Machine, service, TOKENS, Watched } from './bench.ts';

const swtpm = swtpmAvailable();

async function askForKey(verifier: Pick<Verifier, 'url'>): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKENS.operator}` };
  const path = new URL(route(ROUTES.keyRenewal, 'web-03'), verifier.url);
  assert.equal((await fetch(path, { method: 'POST', headers, body: '{}' })).status, 202);
}

async function renewalsOf(verifier: Pick<Verifier, 'url'>): Promise<string[]> {
  const answer = await fetch(new URL(route(ROUTES.timeline, 'web-03'), verifier.url));
  const { keys, boots } = HostTimeline.parse(await answer.json());
  assert.equal(boots.length, 1, 'the list goes on');
  return keys.map(({ reason }) => reason);
}

const phaseIs = (name: string) => (phase: { readonly phase: string }) => (phase.phase === name ? true : undefined);

/** A captured host and its agent, which has no join token any more. */
async function enrolled(t: TestContext, machine: Machine, verifier: Verifier, url = verifier.url) {
  const statePath = join(directory(t), 'agent.json');
  const first = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
  await first.attested(1);
  await capture(verifier);
  await first.agent.stop();
  const options = { verifierUrl: url, statePath, joinToken: undefined };
  return { statePath, options, id: (await detailOf(verifier)).id };
}

for (const [tpm, boot, skip] of [
  ['simulated TPM', (t: TestContext) => Machine.simulated(t), false],
  ['swtpm', (t: TestContext) => Machine.swtpm(t), 'missing' in swtpm ? `swtpm is missing: ${swtpm.missing}` : false],
] as const) {
  test(`asked for another key, the agent of a machine with a ${tpm} makes one, and goes on where it was`, {
    skip,
  }, async (t) => {
    const verifier = await service(t);
    const machine = await boot(t);
    const free = await machine.freeSlots();
    const { options, id } = await enrolled(t, machine, verifier);
    const watched = new Watched(t, machine, options);
    await watched.until('attested', phaseIs('attested'), 0);
    const before = await detailOf(verifier);
    for (let entries = 2; entries <= 4; entries++) {
      await askForKey(verifier);
      await machine.run(`/usr/bin/${entries}`);
      const renewing = await watched.until('renewing', phaseIs('renewing'), 0).then(() => watched.phases.length);
      await watched.attested(entries);
      await watched.until('attesting again', phaseIs('attesting'), renewing);
      watched.phases.length = 0;
    }
    const now = await detailOf(verifier);
    assert.notEqual(now.attestationKey.name, before.attestationKey.name);
    assert.deepEqual([now.id, now.boot, now.attestationKey.renewal], [id, before.boot, null]);
    assert.deepEqual(await renewalsOf(verifier), ['asked', 'asked', 'asked']);
    await watched.agent.stop();
    assert.equal(await machine.freeSlots(), free, 'nothing stays loaded');
  });
}

/** What becomes of the one request that matters. */
type Fate = 'never arrives' | 'is answered, and the answer is lost';

/** Stands between agent and verifier, and lets one request of a path meet its fate; what the agent kept by then is copied. */
class Between {
  readonly #verifier: string;
  readonly #path: RegExp;
  readonly #fate: Fate;
  readonly #met: () => void;
  #url = '';
  readonly met: Promise<void>;

  constructor(verifier: string, path: RegExp, fate: Fate, met: () => void) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#verifier = verifier;
    this.#path = path;
    this.#fate = fate;
    this.met = promise;
    this.#met = () => {
      met();
      resolve();
    };
  }

  get url(): string {
    return this.#url;
  }

  async listen(t: TestContext): Promise<void> {
    let waits = true;
    const server = createServer((request, response) => {
      const meets = waits && this.#path.test(request.url ?? '');
      if (meets) waits = false;
      if (meets && this.#fate === 'never arrives') {
        this.#met();
        response.destroy();
      } else this.#forward(request, response, meets);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    this.#url = `http://127.0.0.1:${address.port}`;
  }

  #forward(request: IncomingMessage, response: ServerResponse, isLost: boolean): void {
    const { method, headers, url } = request;
    const onward = forward(new URL(url ?? '/', this.#verifier), { method, headers }, (answer) => {
      if (isLost) {
        answer.resume();
        answer.on('end', () => {
          this.#met();
          response.destroy();
        });
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }
}

const BEGIN = /^\/v1\/agent\/keys$/;
const ACTIVATION = /\/activation$/;

describe('a renewal of a key that is cut off where', () => {
  for (const [what, path, fate] of [
    ['the request for it never arrives', BEGIN, 'never arrives'],
    ['the credential is lost', BEGIN, 'is answered, and the answer is lost'],
    ['the proof never arrives', ACTIVATION, 'never arrives'],
    ['the verifier has the new key and its answer is lost', ACTIVATION, 'is answered, and the answer is lost'],
  ] as const) {
    test(`${what} ends with one new key once the agent, killed there, is started again`, async (t) => {
      const verifier = await service(t);
      const machine = await Machine.simulated(t);
      const { options, statePath, id } = await enrolled(t, machine, verifier);
      const asKilled = join(directory(t), 'agent.json');
      const between = new Between(verifier.url, path, fate, () => copyFileSync(statePath, asKilled));
      await between.listen(t);
      await askForKey(verifier);
      const watched = new Watched(t, machine, { ...options, verifierUrl: between.url });
      await between.met;
      await watched.agent.stop(0);
      await machine.run('/usr/bin/a');
      const again = new Watched(t, machine, { ...options, statePath: asKilled });
      await again.attested(2);
      await again.until(
        'attested by the new key',
        (phase) => (phase.phase === 'attested' && phase.reply.renewKey === undefined ? true : undefined),
        0,
      );
      assert.ok(!again.names().includes('enrolling'), again.names().join(' '));
      assert.deepEqual([(await detailOf(verifier)).id, await renewalsOf(verifier)], [id, ['asked']]);
    });
  }

  test('the answer is lost heals in the agent itself', async (t) => {
    const verifier = await service(t);
    const machine = await Machine.simulated(t);
    const { options } = await enrolled(t, machine, verifier);
    const between = new Between(verifier.url, ACTIVATION, 'is answered, and the answer is lost', () => undefined);
    await between.listen(t);
    await askForKey(verifier);
    const watched = new Watched(t, machine, { ...options, verifierUrl: between.url });
    await between.met;
    await machine.run('/usr/bin/a');
    await watched.attested(2);
    assert.deepEqual(await renewalsOf(verifier), ['asked']);
    assert.ok(!watched.names().includes('enrolling'), watched.names().join(' '));
  });

  test('the proof never arrives keeps the old key in use', async (t) => {
    const verifier = await service(t);
    const machine = await Machine.simulated(t);
    const { options } = await enrolled(t, machine, verifier);
    const between = new Between(verifier.url, ACTIVATION, 'never arrives', () => undefined);
    await between.listen(t);
    await askForKey(verifier);
    const watched = new Watched(t, machine, { ...options, verifierUrl: between.url });
    await watched.until('not renewed', phaseIs('not-renewed'), 0);
    await machine.run('/usr/bin/a');
    assert.equal((await watched.attested(2)).renewKey, true, 'the verifier goes on asking');
    assert.deepEqual(await renewalsOf(verifier), []);
  });

  test('the next key was kept and cannot be loaded ends with another', async (t) => {
    const verifier = await service(t);
    const machine = await Machine.simulated(t);
    const { options, statePath } = await enrolled(t, machine, verifier);
    const state: unknown = JSON.parse(readFileSync(statePath, 'utf8'));
    const bad = { ak: { public: 'AAAA', private: 'AAAA' }, token: 'x'.repeat(43) };
    const text = JSON.stringify(state, (key, value: unknown) =>
      key === 'enrolment' && typeof value === 'object' ? { ...value, next: bad } : value,
    );
    writeFileSync(statePath, text, { mode: 0o600 });
    await askForKey(verifier);
    const watched = new Watched(t, machine, options);
    await watched.until(
      'attested by the new key',
      (phase) => (phase.phase === 'attested' && phase.reply.renewKey === undefined ? true : undefined),
      0,
    );
    assert.deepEqual(await renewalsOf(verifier), ['asked']);
  });
});

test('a verifier that has forgotten the host while it was to renew its key gets it with the join token', async (t) => {
  const verifier = await service(t);
  const machine = await Machine.simulated(t);
  const { options, statePath } = await enrolled(t, machine, verifier);
  const state: unknown = JSON.parse(readFileSync(statePath, 'utf8'));
  const lost = JSON.stringify(state, (key, value: unknown) => (key === 'private' ? 'AAAA' : value));
  writeFileSync(statePath, lost, { mode: 0o600 });
  const other = await service(t);
  const watched = new Watched(t, machine, { ...options, verifierUrl: other.url, joinToken: TOKENS.join });
  await watched.attested(1);
  assert.deepEqual(watched.names().slice(0, 3), ['renewing', 'enrolling', 'attesting']);
});
