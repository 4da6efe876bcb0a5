import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { renewKey } from '@assay/agent';
import type { ParsedCertificate } from '@assay/core/keys';
import { command, EMPTY_PASSWORD, nvWrite, OBJECT, parsePublic } from '@assay/core/tpm';
import { CLOUD_KEY_NAMES, openCloudKey, type CloudKeyName } from '@assay/linux/tpm';
import { certifyAsCloud, cloudTemplate } from '@assay/testkit/certificates';
import { swtpmAvailable } from '@assay/testkit/swtpm';
import type { Verifier } from '@assay/verifier';
import { Problem, route, ROUTES, type HostDetail } from '@assay/wire';
import { capture, detailOf, directory, Machine, service, TOKENS, Watched } from './bench.ts';

const swtpm = swtpmAvailable();
const skip = 'missing' in swtpm ? `swtpm is missing: ${swtpm.missing}` : false;

interface Cloud {
  readonly machine: Machine;
  readonly roots: ParsedCertificate[];
  /** TPM2B_PUBLIC of the key that the cloud certified. */
  readonly akPublic: Uint8Array;
  readonly statePath: string;
}

async function cloud(t: TestContext, kind: CloudKeyName): Promise<Cloud> {
  const machine = await Machine.swtpm(t);
  const { root, akPublic } = await certifyAsCloud(machine.tpm, kind);
  return { machine, roots: [root], akPublic, statePath: join(directory(t), 'agent.json') };
}

const rungOf = ({ ladder }: HostDetail, name: string) => ladder.find(({ rung }) => rung === name);

async function askForKey(verifier: Pick<Verifier, 'url'>): Promise<Problem> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKENS.operator}` };
  const path = new URL(route(ROUTES.keyRenewal, 'web-03'), verifier.url);
  return Problem.parse(await (await fetch(path, { method: 'POST', headers, body: '{}' })).json());
}

describe('an attestation key that the cloud of the machine certified', { skip }, () => {
  for (const kind of CLOUD_KEY_NAMES) {
    test(`${kind}: signs the evidence, and is the tier of the host, today and at the next start`, async (t) => {
      const { machine, roots, akPublic, statePath } = await cloud(t, kind);
      const verifier = await service(t, { akRoots: roots, approveEnrolments: 'first-use', renewKeysAfterSeconds: 0 });
      const options = { verifierUrl: verifier.url, statePath };
      const free = await machine.freeSlots();
      const watched = new Watched(t, machine, { ...options, attestationKey: kind });
      await watched.attested(1);
      await capture(verifier);
      await machine.run('/usr/bin/a');
      await watched.attested(2);
      const host = await detailOf(verifier);
      assert.equal(host.tpm.trust, 'ak-certificate');
      assert.deepEqual([rungOf(host, 'ek')?.state, rungOf(host, 'ak')?.state], ['warning', 'ok']);
      const facts = rungOf(host, 'ak')?.facts ?? [];
      const instance = facts.find(({ label }) => label === 'Instance')?.value;
      assert.equal(instance, kind === 'azure' ? undefined : 'web (4275878552)');
      assert.equal(facts.find(({ label }) => label === 'Authority')?.value, 'CN=cloud root');
      const refused = await askForKey(verifier);
      assert.deepEqual([refused.status, refused.code], [409, 'KEY-CERTIFIED']);
      await watched.agent.stop();
      assert.equal(await machine.freeSlots(), free, 'nothing stays loaded');
      const again = new Watched(t, machine, { ...options, joinToken: undefined });
      await again.attested(2);
      assert.ok(!again.names().includes('enrolling') && !again.names().includes('renewing'), again.names().join());
      assert.equal((await detailOf(verifier)).attestationKey.name, host.attestationKey.name);
      await again.agent.stop();
      const rebooted = await machine.reboot();
      const key = await openCloudKey(rebooted.tpm, kind);
      await rebooted.tpm.using(key.handle, async () => assert.deepEqual(key.public, akPublic));
      await new Watched(t, rebooted, { ...options, joinToken: undefined }).attested(1);
    });
  }

  test('counts from the start of the verifier that trusts its authority on, and harms nothing before', async (t) => {
    const { machine, roots, statePath } = await cloud(t, 'gce-ecc');
    const store = `sqlite:${join(directory(t), 'verifier.db')}`;
    const first = await service(t, { store });
    const watched = new Watched(t, machine, { verifierUrl: first.url, statePath, attestationKey: 'gce-ecc' });
    await watched.attested(1);
    const before = await detailOf(first);
    assert.deepEqual([before.tpm.trust, before.verdict, before.openFindings], ['first-use', 'unverified', 0]);
    await watched.agent.stop();
    await first.close();
    const second = await service(t, { store, akRoots: roots });
    const after = await detailOf(second);
    assert.deepEqual([after.tpm.trust, after.verdict, after.id], ['ak-certificate', 'unverified', before.id]);
  });

  test('is not renewed by its agent, nor changed for one of its own', async (t) => {
    const { machine, roots, statePath } = await cloud(t, 'azure');
    const verifier = await service(t, { akRoots: roots });
    const options = { verifierUrl: verifier.url, statePath };
    const watched = new Watched(t, machine, { ...options, attestationKey: 'azure' });
    await watched.attested(1);
    await watched.agent.stop();
    const facts = { tpmKind: 'simulated', listSource: 'simulated', kernel: '6.12.0', agentVersion: '0.1.0' } as const;
    const more = { name: 'web-03', joinToken: TOKENS.join, tpm: machine.tpm, source: machine.list, facts };
    await assert.rejects(renewKey({ ...options, ...more }), { code: 'AGENT-STATE', message: /the cloud certified/ });
    const own = new Watched(t, machine, { ...options, attestationKey: 'own' });
    const problem = (phase: { phase: string; error?: Error }) => (phase.phase === 'retrying' ? phase.error : undefined);
    assert.match(
      (await own.until('refused', problem, 0)).message,
      /is enrolled with the attestation key azure, and own/,
    );
  });

  test('is asked for by name: a machine that has one, and is not told so, makes a key of its own', async (t) => {
    const { machine, roots, akPublic, statePath } = await cloud(t, 'gce-rsa');
    const verifier = await service(t, { akRoots: roots });
    await new Watched(t, machine, { verifierUrl: verifier.url, statePath }).attested(1);
    const host = await detailOf(verifier);
    assert.equal(host.tpm.trust, 'first-use');
    assert.notEqual(parsePublic(akPublic).type, 'ecc', 'the own one is');
  });

  test('is missed with the place where it should be', async (t) => {
    const machine = await Machine.swtpm(t);
    const verifier = await service(t);
    for (const [kind, place] of [
      ['gce-ecc', /0x01c10003: this is no TPM of Google Compute Engine/],
      ['azure', /no attestation key at handle 0x81000003: this is no TPM of Azure/],
    ] as const) {
      const statePath = join(directory(t), 'agent.json');
      const watched = new Watched(t, machine, { verifierUrl: verifier.url, statePath, attestationKey: kind });
      const problem = (phase: { phase: string; error?: Error }) =>
        phase.phase === 'retrying' ? phase.error : undefined;
      assert.match((await watched.until('missed', problem, 0)).message, place);
      await watched.agent.stop(0);
    }
  });

  test('depends on each byte of the template: another one is another key, with which the host enrols anew', async (t) => {
    const { machine, roots, statePath } = await cloud(t, 'gce-ecc');
    const verifier = await service(t, { akRoots: roots });
    const options = { verifierUrl: verifier.url, statePath };
    const watched = new Watched(t, machine, { ...options, attestationKey: 'gce-ecc' });
    await watched.attested(1);
    await watched.agent.stop();
    const before = (await detailOf(verifier)).attestationKey.name;
    const template = cloudTemplate('ecdsa-p256');
    template[6] = (template[6] ?? 0) ^ (OBJECT.NO_DA >> 8); // Third byte of the attributes, which follow two algorithms.
    const part = { authHandle: 0x01c10003, nvIndex: 0x01c10003, data: template, offset: 0 };
    await machine.tpm.run(command(nvWrite, part, [EMPTY_PASSWORD]));
    const other = new Watched(t, machine, options);
    const problem = (phase: { phase: string; error?: Error }) => (phase.phase === 'retrying' ? phase.error : undefined);
    assert.match((await other.until('refused', problem, 0)).message, /^AK-CERTIFICATE: .* for another key/);
    assert.ok(other.names().includes('enrolling'));
    assert.equal((await detailOf(verifier)).attestationKey.name, before);
  });
});
