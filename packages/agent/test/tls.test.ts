import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { parsePublicKey, type CertificatePurpose } from '@assay/core/keys';
import { certificateBy, newSigningKey } from '@assay/core/node';
import { certificatePem, parseCertificates } from '@assay/core/x509';
import { directory, Machine, service, Watched } from './bench.ts';

const HOUR_MILLISECONDS = 3_600_000;

interface Identity {
  readonly key: string;
  readonly certificate: string;
}

async function identity(purpose: CertificatePurpose, by?: Identity): Promise<Identity> {
  const key = newSigningKey();
  const publicKey = parsePublicKey(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  const [notBefore, notAfter] = [-1, 1].map((hours) => new Date(Date.now() + hours * HOUR_MILLISECONDS));
  const times = { notBefore: notBefore ?? new Date(), notAfter: notAfter ?? new Date() };
  const der = await certificateBy(issuer(key, by), { name: 'verifier', publicKey, ...times, purpose });
  return { key: key.export({ type: 'pkcs8', format: 'pem' }).toString(), certificate: certificatePem(der) };
}

function issuer(own: KeyObject, by: Identity | undefined): Parameters<typeof certificateBy>[0] {
  const [certificate] = by === undefined ? [] : parseCertificates(by.certificate);
  if (by === undefined || certificate?.subjectKeyIdentifier === undefined) return { key: own };
  const { subject, subjectKeyIdentifier: keyIdentifier } = certificate;
  return { key: createPrivateKey(by.key), certificate: { subject, keyIdentifier } };
}

const authority = await identity({ kind: 'authority' });
const SERVER = { kind: 'server', names: [], addresses: [Uint8Array.of(127, 0, 0, 1)] } as const;

test('over TLS the agent gets a certificate, and another before its time is over, while rounds go on', async (t) => {
  const log: string[] = [];
  const verifier = await service(t, {
    tls: { ...(await identity(SERVER, authority)), hostAuthority: authority },
    hostCertificateSeconds: 8,
    heartbeatSeconds: 1,
    log: (line) => log.push(line),
  });
  const machine = await Machine.simulated(t);
  const statePath = join(directory(t), 'agent.json');
  const options = { verifierUrl: verifier.url, statePath, authorities: authority.certificate };
  const watched = new Watched(t, machine, options);
  const issued = (): number => log.filter((line) => line.includes('has a certificate')).length;
  for (let entries = 2; issued() < 3; entries++) {
    await machine.run(`/usr/bin/${entries}`);
    await watched.attested(entries);
  }
  // A machine that stands still for seconds may meet the end of a certificate; the agent heals that by itself.
  const codes = watched.names().filter((name) => name.startsWith('retrying') && !name.includes('CERT-VALIDITY'));
  assert.deepEqual(codes, []);
});

test('over TLS a host that renews its attestation key has its certificate vouched for by the new one', async (t) => {
  const log: string[] = [];
  const tls = { ...(await identity(SERVER, authority)), hostAuthority: authority };
  const verifier = await service(t, { tls, renewKeysAfterSeconds: 0, log: (line) => log.push(line) });
  const machine = await Machine.simulated(t);
  const statePath = join(directory(t), 'agent.json');
  const options = { verifierUrl: verifier.url, statePath, authorities: authority.certificate };
  const watched = new Watched(t, machine, options);
  const inOrder = (): string[] =>
    log.flatMap((line) => /has (another attestation key|a certificate)/.exec(line)?.[1] ?? []);
  await watched.until('attested by the new key', () => (inOrder().length >= 3 ? true : undefined), 0);
  assert.deepEqual(inOrder().slice(0, 3), ['a certificate', 'another attestation key', 'a certificate']);
  assert.ok(!watched.names().some((name) => name.startsWith('retrying')), watched.names().join(' '));
});

test('the agent talks to no verifier for which none of its authorities vouches', async (t) => {
  const verifier = await service(t, { tls: { ...(await identity(SERVER, authority)), hostAuthority: authority } });
  const machine = await Machine.simulated(t);
  const other = await identity({ kind: 'authority' });
  for (const trusted of [{}, { authorities: other.certificate }]) {
    const statePath = join(directory(t), 'agent.json');
    const watched = new Watched(t, machine, { verifierUrl: verifier.url, statePath, ...trusted });
    assert.match((await watched.retrying()).message, /certificate|signature/i);
    await watched.agent.stop(0);
  }
});
