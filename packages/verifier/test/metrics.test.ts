import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedHost } from '@assay/testkit/evidence';
import { Ready, ROUTES } from '@assay/wire';
import { Pulse } from '../src/metrics/pulse.ts';
import { content, enrol } from './machine.ts';
import { call, service } from './service.ts';

/** The samples of an exposition, by name with labels. */
function samplesIn(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]));
}

describe('figures for Prometheus', () => {
  test('tell hosts by verdict, open findings by code, and rounds by their time', async (t) => {
    const verifier = await service(t);
    const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-01' }));
    await agent.host.execute('/usr/bin/true', 'true');
    await agent.attest();
    await agent.capture();
    await agent.host.execute('/tmp/x', 'stranger');
    await agent.attest();
    await enrol(verifier, await SimulatedHost.boot({ name: 'web-02' }));
    const answer = await call(verifier, ROUTES.metrics);
    assert.match(String(answer.headers['content-type']), /^text\/plain; version=0\.0\.4/);
    const samples = samplesIn(answer.text);
    assert.equal(samples.get('assay_hosts{verdict="failed"}'), 1);
    assert.equal(samples.get('assay_hosts{verdict="pending"}'), 1);
    assert.equal(samples.get('assay_hosts{verdict="trusted"}'), 0);
    assert.equal(samples.get('assay_findings_open{code="IMA-UNKNOWN-DIGEST",severity="failed"}'), 1);
    assert.equal(samples.get('assay_http_request_seconds_count{route="/v1/agent/evidence"}'), 2);
    assert.equal(samples.get('assay_http_requests_total{route="/v1/agent/evidence",method="POST",status="200"}'), 2);
    assert.ok(samples.has('assay_verifier_late_seconds'));
    assert.ok((samples.get('assay_evidence_age_seconds_max') ?? -1) >= 0);
    for (const value of samples.values()) assert.ok(Number.isFinite(value));
  });

  test('have no label that a stranger can choose', async (t) => {
    const verifier = await service(t);
    for (let index = 0; index < 5; index += 1) await call(verifier, `/v1/hosts/stranger-${index}`);
    for (let index = 0; index < 5; index += 1) await call(verifier, `/nowhere-${index}`);
    const { text } = await call(verifier, ROUTES.metrics);
    assert.ok(!/stranger|nowhere/.test(text));
  });
});

describe('readiness', () => {
  test('is told while the verifier does its work', async (t) => {
    const verifier = await service(t);
    assert.equal(content(await call(verifier, ROUTES.ready), Ready).status, 'ready');
  });

  test('is a matter of when the work was last done', () => {
    let now = 0;
    const pulse = new Pulse(1000, () => now);
    now = 900;
    assert.equal(pulse.lateSeconds(), 0);
    now = 13_500;
    assert.equal(pulse.lateSeconds(), 12.5);
    pulse.beat();
    assert.equal(pulse.lateSeconds(), 0);
  });
});
