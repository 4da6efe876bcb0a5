import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type ClientRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { SimulatedHost } from '@assay/testkit/evidence';
import { ROUTES } from '@assay/wire';
import { Slots } from '../src/http/large-bodies.ts';
import { enrol, type TestAgent } from './machine.ts';
import { service } from './service.ts';

/** Over what is read at once. */
const LARGE = 300_000;
/** What has come is looked at by then. */
const A_WHILE = 300;

test('so many names are let in, each once, in the order in which they came', async () => {
  const slots = new Slots(2);
  const entered: string[] = [];
  const came = ['a', 'a', 'b', 'c'].map(async (name, index) => {
    await slots.enter(name);
    entered.push(`${name}${index}`);
  });
  await delay(0);
  assert.deepEqual(entered, ['a0', 'b2']);
  slots.leave('b');
  await delay(0);
  assert.deepEqual(entered, ['a0', 'b2', 'c3']);
  slots.leave('a');
  await Promise.all(came);
  assert.deepEqual(entered, ['a0', 'b2', 'c3', 'a1']);
});

/** Begins to send a part of so many bytes, which is no list. */
function begin({ verifier, token }: TestAgent, bytes = LARGE): ClientRequest {
  const query = new URLSearchParams({ bank: 'sha256', fromEntry: '1', fromOffset: '0', upload: 'one' });
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/octet-stream',
    'content-length': String(bytes),
    expect: '100-continue',
  };
  const sending = request(`${verifier.url}${ROUTES.listParts}?${query.toString()}`, { method: 'POST', headers });
  sending.on('error', () => undefined);
  sending.write(Buffer.alloc(1));
  return sending;
}

function finish(sending: ClientRequest, bytes = LARGE): ClientRequest {
  return sending.end(Buffer.alloc(bytes - 1));
}

for (const [what, end] of [
  ['is answered', finish],
  ['is given up', (sending: ClientRequest) => sending.destroy()],
] as const) {
  test(`a second large body of a host waits until the first one ${what}; small ones and other hosts do not`, async (t) => {
    const verifier = await service(t);
    const [agent, other] = await Promise.all(
      ['web-03', 'web-04'].map(async (name) => enrol(verifier, await SimulatedHost.boot({ name }))),
    );
    assert.ok(agent !== undefined && other !== undefined);
    const first = begin(agent);
    await once(first, 'continue');
    await delay(A_WHILE);
    const second = finish(begin(agent));
    const answered = once(second, 'response');
    assert.equal(await Promise.race([answered, delay(A_WHILE, 'waits')]), 'waits');
    const [small, others] = [finish(begin(agent, 1000), 1000), finish(begin(other))];
    await Promise.all([once(small, 'response'), once(others, 'response')]);
    end(first);
    await answered;
  });
}
