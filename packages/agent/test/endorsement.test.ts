import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { toBase64 } from '@assay/core/bytes';
import type { ParsedCertificate } from '@assay/core/keys';
import { parseCertificates } from '@assay/core/x509';
import { SimulatedHost } from '@assay/testkit/evidence';
import { manufactureSwtpm, swtpmAvailable } from '@assay/testkit/swtpm';
import type { Verifier } from '@assay/verifier';
import { ActivateReply, ApiClient, EnrolReply, FindingList, ROUTES, route, type HostDetail } from '@assay/wire';
import { certificatesFor, openKeys } from '../src/keys.ts';
import { capture, detailOf, directory, Machine, service, TOKENS, Watched } from './bench.ts';

const swtpm = swtpmAvailable();
const skip = 'missing' in swtpm ? `swtpm is missing: ${swtpm.missing}` : false;

interface Made {
  readonly machine: Machine;
  /** Those of the maker of its TPM. */
  readonly roots: ParsedCertificate[];
  readonly store: string;
  readonly statePath: string;
}

/** A machine whose TPM came with certificates of a maker that nobody knows yet. */
async function certified(t: TestContext): Promise<Made> {
  const made = await manufactureSwtpm(directory(t));
  const roots = parseCertificates(readFileSync(made.root, 'latin1'));
  const authority = parseCertificates(readFileSync(made.authority, 'latin1'));
  const store = `sqlite:${join(directory(t), 'verifier.db')}`;
  const machine = await Machine.swtpm(t, made.state);
  return { machine, roots: [...roots, ...authority], store, statePath: join(directory(t), 'agent.json') };
}

const endorsementRung = ({ ladder }: HostDetail): string | undefined => ladder.find(({ rung }) => rung === 'ek')?.state;

async function openCodes(verifier: Verifier): Promise<string[]> {
  const query = { host: (await detailOf(verifier)).id, open: 'true' };
  const { findings } = await new ApiClient(verifier.url).call(ROUTES.findings, FindingList, { query });
  return findings.map(({ code }) => code).toSorted();
}

describe('a TPM whose maker certified its keys', { skip }, () => {
  test('is green on the lowest rung where the verifier trusts that maker, and stays so', async (t) => {
    const { machine, roots, store, statePath } = await certified(t);
    const verifier = await service(t, { store, ekRoots: roots });
    const watched = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
    await watched.attested(1);
    await capture(verifier);
    await machine.run('/usr/bin/a');
    await watched.attested(2);
    const host = await detailOf(verifier);
    assert.deepEqual([host.tpm.trust, endorsementRung(host)], ['ek-certificate', 'ok']);
    assert.match(JSON.stringify(host.ladder[0]?.facts), /"label":"TPM","value":"Maker|"label":"Authority"/);
    await watched.agent.stop();
    const again = new Watched(t, machine, { verifierUrl: verifier.url, statePath });
    await again.attested(2);
    assert.ok(!again.names().includes('enrolling'), 'its key is the same at the next start');
  });

  test('is failed where no trusted authority vouches for it, whatever it sends, until one does', async (t) => {
    const { machine, roots, store, statePath } = await certified(t);
    const first = await service(t, { store });
    const watched = new Watched(t, machine, { verifierUrl: first.url, statePath });
    await watched.attested(1);
    await machine.run('/usr/bin/a');
    assert.equal((await watched.attested(2)).verdict, 'failed');
    const before = await detailOf(first);
    assert.deepEqual([before.tpm.trust, endorsementRung(before)], ['first-use', 'failed']);
    assert.deepEqual(await openCodes(first), ['CERT-CHAIN']);
    await first.close();
    const second = await service(t, { store, port: first.port, ekRoots: roots });
    const after = await detailOf(second);
    assert.deepEqual([after.tpm.trust, endorsementRung(after), after.verdict], ['ek-certificate', 'ok', 'unverified']);
    assert.deepEqual(await openCodes(second), []);
    await machine.run('/usr/bin/b');
    assert.equal((await watched.attested(3)).verdict, 'unverified');
    assert.equal(watched.names().filter((name) => name === 'enrolling').length, 1);
  });

  test('lends no trust to another TPM that sends its certificate', async (t) => {
    const { machine, roots } = await certified(t);
    const verifier = await service(t, { ekRoots: roots });
    const stolen = await certificateOf(t, machine);
    const other = await SimulatedHost.boot({ name: 'web-03' });
    await enrolWith(verifier, other, [stolen]);
    const host = await detailOf(verifier);
    assert.deepEqual([host.tpm.trust, host.verdict, endorsementRung(host)], ['first-use', 'failed', 'failed']);
    assert.deepEqual(await openCodes(verifier), ['EK-CERTIFICATE']);
  });
});

/** What the agent of this machine sends of its endorsement key. */
async function certificateOf(t: TestContext, machine: Machine): Promise<string> {
  const keys = await openKeys(machine.tpm, join(directory(t), 'agent.json'));
  assert.ok(keys !== null);
  const [own] = await machine.tpm.using(keys.akHandle, () => certificatesFor(machine.tpm, keys));
  assert.ok(own !== undefined);
  return own;
}

async function enrolWith(verifier: Verifier, host: SimulatedHost, ekCertificates: readonly string[]): Promise<void> {
  const client = new ApiClient(verifier.url, TOKENS.join);
  const body = { ...(await host.enrolRequest()), ekCertificates };
  const begun = await client.call(ROUTES.enrol, EnrolReply, { body });
  const secret = await host.openCredential(begun);
  await client.call(route(ROUTES.activate, begun.enrolment), ActivateReply, { body: { secret } });
}

describe('an endorsement certificate that is none', () => {
  const broken: Readonly<Record<string, readonly string[]>> = {
    'is no DER': [toBase64(new Uint8Array(40).fill(7))],
    'is empty': [''],
    'is no base64': ['A'],
  };
  for (const [name, certificates] of Object.entries(broken)) {
    test(`because it ${name} is a finding, and no trust`, async (t) => {
      const verifier = await service(t);
      await enrolWith(verifier, await SimulatedHost.boot({ name: 'web-03' }), certificates);
      const host = await detailOf(verifier);
      assert.deepEqual([host.tpm.trust, host.verdict], ['first-use', 'failed']);
      assert.deepEqual(await openCodes(verifier), ['EK-CERTIFICATE']);
    });
  }

  test('because there are too many of them, or one is too long, is a request that is refused', async (t) => {
    const verifier = await service(t);
    const host = await SimulatedHost.boot({ name: 'web-03' });
    for (const certificates of [Array.from({ length: 10 }, () => 'AAAA'), ['A'.repeat(5600)]])
      await assert.rejects(enrolWith(verifier, host, certificates), /ekCertificates/);
  });

  test('because none was sent is trust on first use', async (t) => {
    const verifier = await service(t);
    await enrolWith(verifier, await SimulatedHost.boot({ name: 'web-03' }), []);
    const host = await detailOf(verifier);
    assert.deepEqual([host.tpm.trust, host.verdict, endorsementRung(host)], ['first-use', 'pending', 'warning']);
  });
});
