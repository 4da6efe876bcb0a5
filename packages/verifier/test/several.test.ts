import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedHost } from '@assay/testkit/evidence';
import { ROUTES } from '@assay/wire';
import { enrol } from './machine.ts';
import { newStore, service } from './service.ts';

const skip = process.env['ASSAY_TEST_POSTGRES'] === undefined ? 'the tests on PostgreSQL run them' : false;

describe('several verifiers on one PostgreSQL', { skip }, () => {
  test('a host may come to another one at each round, and of the same evidence at both, one takes it', async (t) => {
    const store = await newStore(t);
    const verifiers = [await service(t, { store }), await service(t, { store })] as const;
    const agent = await enrol(verifiers[0], await SimulatedHost.boot({ name: 'web-03' }));
    for (let round = 0; round < 6; round++) {
      agent.verifier = verifiers[round % 2 === 0 ? 1 : 0];
      await agent.host.execute(`/usr/bin/program-${round}`, 'x');
      assert.equal((await agent.attest()).verified, true);
    }
    const message = await agent.host.evidence(agent.challenge);
    const answers = await Promise.all(
      verifiers.map((verifier) => {
        const other = agent.on(agent.host);
        other.verifier = verifier;
        return other.post(message);
      }),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 409]));
    assert.equal((await agent.measurements()).total, 7);
  });

  test('what one of them learns is told to the listeners of the other', async (t) => {
    const store = await newStore(t);
    const [here, there] = [await service(t, { store }), await service(t, { store })];
    const agent = await enrol(here, await SimulatedHost.boot({ name: 'web-03' }));
    await agent.attest();
    await agent.capture();
    const { body } = await fetch(`${there.url}${ROUTES.events}`);
    await agent.host.execute('/tmp/unknown', 'x');
    await agent.attest();
    const until = AbortSignal.timeout(60_000);
    let seen = '';
    for await (const chunk of body ?? []) {
      seen += Buffer.from(chunk).toString();
      if (seen.includes('"code":"IMA-UNKNOWN-DIGEST"') || until.aborted) break;
    }
    assert.match(seen, /event: finding\ndata: .*\/tmp\/unknown/);
  });
});
