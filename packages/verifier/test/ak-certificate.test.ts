import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { fromBase64, toBase64 } from '@assay/core/bytes';
import { DER, derElement } from '@assay/core/keys';
import {
  AUTHORITY,
  CERTIFICATE_SIGNING,
  DIGITAL_SIGNATURE,
  extendedKeyUsage,
  GCE_INSTANCE_OID,
  gceInstance,
  mintAkCertificate,
  mintAuthority,
  mintCertificate,
  type CertificateOptions,
} from '@assay/testkit/certificates';
import { SimulatedHost } from '@assay/testkit/evidence';
import type { Verifier } from '@assay/verifier';
import {
  ActivateReply,
  type ActivateRequest,
  EnrolmentList,
  EnrolReply,
  HostLines,
  route,
  ROUTES,
  type EnrolRequest,
} from '@assay/wire';
import { activate, content, TestAgent } from './machine.ts';
import { call, newStore, post, problemIn, refusal, service, TOKENS, type Answer } from './service.ts';

const AK_USE = '6781050803';
const EK_USE = '6781050801';
const SERVER_USE = '2b06010505070301';
const ROOT = mintAuthority('cloud root');
/** Bit 2 of KeyUsage alone. */
const KEY_ENCIPHERMENT = {
  oid: '551d0f',
  critical: true,
  value: derElement(DER.bitString, Uint8Array.of(5, 0x20)),
} as const;
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const RSA_ROOT = mintAuthority('old root', undefined, { key: RSA, issuer: { name: ROOT.name, key: RSA } });
const ROOTS = [ROOT.certificate, RSA_ROOT.certificate];

type Asked = Pick<EnrolRequest, 'akCertificates' | 'ekPublic' | 'akPublic'>;

/** Enrols as far as it goes. */
async function ask(verifier: Verifier, host: SimulatedHost, change: Partial<Asked>): Promise<Answer> {
  const begun = await post(verifier, ROUTES.enrol, TOKENS.join, { ...(await host.enrolRequest()), ...change });
  if (begun.status !== 201) return begun;
  const reply = EnrolReply.parse(JSON.parse(begun.text));
  const secret = await host.openCredential(reply);
  return activate(verifier, reply.enrolment, secret, await host.possession(reply.enrolment, secret));
}

async function akOf(host: SimulatedHost): Promise<Uint8Array> {
  return fromBase64((await host.enrolRequest()).akPublic);
}

async function certified(
  host: SimulatedHost,
  options: Partial<CertificateOptions> = {},
): Promise<{ akCertificates: string[] }> {
  return { akCertificates: [toBase64(mintAkCertificate(await akOf(host), ROOT, options))] };
}

const boot = (name = 'web-03'): Promise<SimulatedHost> => SimulatedHost.boot({ name });

async function lines(verifier: Verifier): Promise<string[]> {
  const { hosts } = content(await call(verifier, ROUTES.hostLines), HostLines);
  return hosts.map(({ name, tpm }) => `${name} ${tpm.trust}`);
}

describe('a certificate of an attestation key', () => {
  const forger = mintAuthority('cloud root');
  const between = mintAuthority('cloud authority', ROOT);
  const server = mintAuthority('server authority', ROOT, {
    extensions: [AUTHORITY, CERTIFICATE_SIGNING, extendedKeyUsage(SERVER_USE)],
  });
  const noAuthority = { ...mintAuthority('machine', ROOT, { extensions: [DIGITAL_SIGNATURE] }) };

  type Make = (akPublic: Uint8Array) => readonly Uint8Array[];
  const one =
    (options: Partial<CertificateOptions>): Make =>
    (ak) => [mintAkCertificate(ak, ROOT, options)];
  const signedBy =
    (issuer: typeof ROOT, ...sent: readonly (typeof ROOT)[]): Make =>
    (ak) => [mintAkCertificate(ak, issuer), ...sent.map(({ certificate }) => certificate.raw)];
  const withExtensions = (...extensions: NonNullable<CertificateOptions['extensions']>): Make => one({ extensions });

  const refused: Readonly<Record<string, readonly [code: string, make: Make]>> = {
    'is for another key': [
      '422 AK-CERTIFICATE',
      () => [mintCertificate({ key: RSA, issuer: ROOT, extensions: [DIGITAL_SIGNATURE] })],
    ],
    'was valid until yesterday': ['403 CERT-VALIDITY', one({ notAfter: '20260101000000Z' })],
    'is not valid yet': ['403 CERT-VALIDITY', one({ notBefore: '20990101000000Z' })],
    'is of an authority that is not trusted': ['403 CERT-CHAIN', signedBy(mintAuthority('foreign root'))],
    'is of a forger with the name of the authority': ['403 CERT-SIGNATURE', signedBy(forger)],
    'brings the root that it is of along': ['403 CERT-CHAIN', signedBy(...twice(mintAuthority('my root')))],
    'is signed by a key of no authority': ['403 CERT-AUTHORITY', signedBy(noAuthority, noAuthority)],
    'has a gap in its path': ['403 CERT-CHAIN', signedBy(between)],
    'is of an authority for servers': ['403 CERT-USE', signedBy(server, server)],
    'is signed over SHA-1': [
      '403 CERT-ALGORITHM',
      (ak) => [mintAkCertificate(ak, { name: ROOT.name, key: RSA }, { hash: 'sha1' })],
    ],
    'is of an authority itself': ['403 CERT-AUTHORITY', withExtensions(AUTHORITY, DIGITAL_SIGNATURE)],
    'is for certificates alone': ['403 CERT-USE', withExtensions(CERTIFICATE_SIGNING)],
    'is that of an endorsement key': ['403 CERT-USE', withExtensions(KEY_ENCIPHERMENT, extendedKeyUsage(EK_USE))],
    'may be that of an endorsement key': ['403 CERT-USE', withExtensions(extendedKeyUsage(EK_USE))],
    'is that of a server': ['403 CERT-USE', withExtensions(DIGITAL_SIGNATURE, extendedKeyUsage(SERVER_USE))],
    'has a critical extension that nobody knows': [
      '403 CERT-EXTENSION',
      withExtensions(DIGITAL_SIGNATURE, { oid: '2a0304', critical: true, value: new Uint8Array(0) }),
    ],
    'has bytes behind it': [
      '422 AK-CERTIFICATE',
      (ak) => [Buffer.concat([mintAkCertificate(ak, ROOT), Buffer.alloc(1)])],
    ],
    'is cut off': ['422 AK-CERTIFICATE', (ak) => [mintAkCertificate(ak, ROOT).subarray(0, -1)]],
    'is no DER': ['422 AK-CERTIFICATE', () => [new Uint8Array(300).fill(7)]],
    'is empty': ['422 AK-CERTIFICATE', () => [new Uint8Array(0)]],
    'names the machine in a form that is none': [
      '422 AK-CERTIFICATE',
      withExtensions(DIGITAL_SIGNATURE, { oid: GCE_INSTANCE_OID, value: new Uint8Array(4) }),
    ],
    'is longer than any': ['400 REQUEST-INVALID', () => [new Uint8Array(4099)]],
    'is a megabyte': ['413 REQUEST-TOO-LARGE', () => [new Uint8Array(1 << 20)]],
    'comes with too many others': [
      '400 REQUEST-INVALID',
      (ak) => Array.from({ length: 10 }, () => mintAkCertificate(ak, ROOT)),
    ],
  };
  test('is refused, and nothing is kept, that', async (t) => {
    const verifier = await service(t, { akRoots: ROOTS });
    for (const [name, [code, make]] of Object.entries(refused)) {
      await t.test(name, async () => {
        const host = await boot();
        const akCertificates = make(await akOf(host)).map(toBase64);
        assert.equal(refusal(await ask(verifier, host, { akCertificates })), code);
        assert.deepEqual(await lines(verifier), []);
      });
    }
  });

  const taken: Readonly<Record<string, Make>> = {
    'of the key that signs': one({}),
    'of old authorities of Google, as for an endorsement key, but to sign, and without a name': one({
      subject: derElement(DER.sequence),
      extensions: [DIGITAL_SIGNATURE, extendedKeyUsage(EK_USE)],
    }),
    'restricted to attestation keys': withExtensions(DIGITAL_SIGNATURE, extendedKeyUsage(AK_USE)),
    'whose authority is restricted to endorsement keys': (ak) => {
      const extensions = [AUTHORITY, CERTIFICATE_SIGNING, extendedKeyUsage(EK_USE)];
      return signedBy(...twice(mintAuthority('cloud authority', ROOT, { extensions })))(ak);
    },
    'with the certificate of the authority between': signedBy(between, between),
  };
  for (const [name, make] of Object.entries(taken)) {
    test(`${name} is the tier of the host, everywhere that it is shown`, async (t) => {
      const verifier = await service(t, { akRoots: ROOTS, approveEnrolments: 'first-use' });
      const host = await boot();
      const akCertificates = make(await akOf(host)).map(toBase64);
      const agent = new TestAgent(
        verifier,
        host,
        content(await ask(verifier, host, { akCertificates }), ActivateReply),
      );
      assert.equal((await agent.detail()).tpm.trust, 'ak-certificate');
      assert.deepEqual(await lines(verifier), ['web-03 ak-certificate']);
      assert.equal((await agent.attest()).verified, true);
    });
  }

  test('says nothing where no authority is trusted to give one: the host enrols as any other', async (t) => {
    const verifier = await service(t);
    const host = await boot();
    assert.equal((await ask(verifier, host, { akCertificates: ['AAAA'] })).status, 201);
    assert.deepEqual(await lines(verifier), ['web-03 first-use']);
  });

  test('does not help who has not its key: another TPM cannot open the credential', async (t) => {
    const verifier = await service(t, { akRoots: ROOTS });
    const [owner, thief] = [await boot('web-03'), await boot('web-04')];
    const { akPublic } = await owner.enrolRequest();
    const stolen = { akPublic, ...(await certified(owner)) };
    await assert.rejects(ask(verifier, thief, stolen), { code: 'TPM-RESPONSE' });
    assert.deepEqual(await lines(verifier), []);
  });

  test('counts with a signature of its key alone, since an endorsement key may be made up to open the credential', async (t) => {
    const verifier = await service(t, { akRoots: ROOTS });
    const host = await boot();
    const other = await boot();
    const body = { ...(await host.enrolRequest()), ...(await certified(host)) };
    const proofs: Readonly<Record<string, (enrolment: string, secret: string) => Promise<Partial<ActivateRequest>>>> = {
      '422 AK-CERTIFICATE': async () => ({}),
      '422 QUOTE-SIGNATURE': (enrolment, secret) => other.possession(enrolment, secret),
      '409 QUOTE-NONCE': (_, secret) => host.possession('another enrolment', secret),
    };
    for (const [code, make] of Object.entries(proofs)) {
      const reply = content(await post(verifier, ROUTES.enrol, TOKENS.join, body), EnrolReply);
      const secret = await host.openCredential(reply);
      const answer = await activate(verifier, reply.enrolment, secret, await make(reply.enrolment, secret));
      assert.equal(refusal(answer), code);
    }
    assert.deepEqual(await lines(verifier), []);
  });

  test('is good for one key: a host that enrols with another has the tier of that one', async (t) => {
    const verifier = await service(t, { akRoots: ROOTS });
    const host = await boot();
    assert.equal((await ask(verifier, host, await certified(host))).status, 201);
    const next = host.withAnotherKey();
    assert.equal(refusal(await ask(verifier, next, await certified(host))), '422 AK-CERTIFICATE');
    assert.deepEqual(await lines(verifier), ['web-03 ak-certificate']);
    assert.equal((await ask(verifier, next, {})).status, 201);
    assert.deepEqual(await lines(verifier), ['web-03 first-use']);
  });

  test('keeps the key: the host that has one can renew it neither when asked nor by itself', async (t) => {
    const verifier = await service(t, { akRoots: ROOTS, renewKeysAfterSeconds: 0 });
    const host = await boot();
    const reply = content(await ask(verifier, host, await certified(host)), ActivateReply);
    const agent = new TestAgent(verifier, host, reply);
    assert.equal((await agent.attest()).renewKey, undefined);
    const asked = await post(verifier, route(ROUTES.keyRenewal, 'web-03'), TOKENS.operator, {});
    assert.equal(refusal(asked), '409 KEY-CERTIFIED');
    const next = await host.withAnotherKey().enrolRequest();
    assert.equal(refusal(await post(verifier, ROUTES.renewKey, reply.token, next)), '409 KEY-CERTIFIED');
  });

  test('goes with the key that a renewal replaces, which began before the host enrolled with it', async (t) => {
    const verifier = await service(t, { akRoots: ROOTS });
    const host = await boot();
    const first = content(await ask(verifier, host, {}), ActivateReply);
    const next = host.withAnotherKey();
    const begun = content(await post(verifier, ROUTES.renewKey, first.token, await next.enrolRequest()), EnrolReply);
    assert.equal((await ask(verifier, host, await certified(host))).status, 201);
    assert.deepEqual(await lines(verifier), ['web-03 ak-certificate']);
    assert.equal((await activate(verifier, begun.enrolment, await next.openCredential(begun))).status, 201);
    assert.deepEqual(await lines(verifier), ['web-03 first-use']);
  });

  test('is what let the host in: it waits when it comes without, and goes on as before meanwhile', async (t) => {
    const verifier = await service(t, { akRoots: ROOTS, approveEnrolments: 'first-use' });
    const host = await boot();
    const first = content(await ask(verifier, host, await certified(host)), ActivateReply);
    const own = host.withAnotherKey();
    assert.equal(refusal(await ask(verifier, own, {})), '409 ENROLMENT-WAITS');
    assert.deepEqual(await lines(verifier), ['web-03 ak-certificate']);
    assert.equal((await new TestAgent(verifier, host, first).attest()).verified, true);
    assert.equal((await post(verifier, route(ROUTES.enrolmentApproval, 'E-1'), TOKENS.operator, {})).status, 200);
    assert.equal((await ask(verifier, own, {})).status, 201);
    assert.deepEqual(await lines(verifier), ['web-03 approved']);
    assert.equal((await ask(verifier, host, await certified(host))).status, 201);
    assert.deepEqual(await lines(verifier), ['web-03 ak-certificate']);
    assert.equal((await ask(verifier, own, {})).status, 201, 'somebody approved it');
    assert.deepEqual(await lines(verifier), ['web-03 approved']);
  });

  test('tells who decides for which machine it is', async (t) => {
    const verifier = await service(t, { akRoots: ROOTS, approveEnrolments: 'all' });
    const [host, other] = [await boot('web-03'), await boot('web-04')];
    const onGoogle = await certified(host, { extensions: [DIGITAL_SIGNATURE, gceInstance('web', '0a')] });
    assert.match(
      problemIn(await ask(verifier, host, onGoogle)).detail,
      /for instance web \(10\) of project example-project in europe-west4-a, by CN=cloud root\./,
    );
    assert.match(
      problemIn(await ask(verifier, other, await certified(other))).detail,
      /certified for CN=machine, by CN=cloud root\./,
    );
  });

  test('that nobody looked at counts later for the first host of its machine that had evidence', async (t) => {
    const store = await newStore(t);
    const before = await service(t, { store });
    const onGoogle = { extensions: [DIGITAL_SIGNATURE, gceInstance('web', '0a')] };
    for (const name of ['web-01', 'web-02', 'web-03']) {
      const host = await boot(name);
      const enrolled = content(await ask(before, host, await certified(host, onGoogle)), ActivateReply);
      if (name !== 'web-01') await new TestAgent(before, host, enrolled).attest();
    }
    const own = (await boot('web-04')).withAnotherKey();
    assert.equal((await ask(before, own, {})).status, 201);
    await before.close();
    const after = await service(t, { store, akRoots: ROOTS });
    const tiers = ['web-01 first-use', 'web-02 ak-certificate', 'web-03 first-use', 'web-04 first-use'];
    assert.deepEqual(await lines(after), tiers);
    await after.close();
    assert.deepEqual(await lines(await service(t, { store })), tiers, 'and stays, with whatever authorities');
  });

  test('names one machine: the same under another name waits, and the first is asked nothing again', async (t) => {
    const verifier = await service(t, { akRoots: ROOTS });
    const [one, other, third] = [await boot('web-03'), await boot('web-04'), await boot('web-05')];
    const instance = (id: string) => ({ extensions: [DIGITAL_SIGNATURE, gceInstance('web', id)] });
    assert.equal((await ask(verifier, one, await certified(one, instance('0a')))).status, 201);
    const waiting = await ask(verifier, other, await certified(other, instance('0a')));
    assert.equal(refusal(waiting), '409 ENROLMENT-WAITS');
    assert.match(problemIn(waiting).detail, /the machine that is enrolled as web-03/);
    assert.equal((await ask(verifier, third, await certified(third, instance('0b')))).status, 201);
    const { enrolments } = content(await call(verifier, ROUTES.enrolments), EnrolmentList);
    assert.deepEqual(
      enrolments.map(({ id, trust, reasons }) => [id, trust, reasons[0]?.code, reasons[0]?.host?.name]),
      [['E-1', 'ak-certificate', 'APPROVAL-REQUIRED', 'web-03']],
    );
    assert.equal((await post(verifier, route(ROUTES.enrolmentApproval, 'E-1'), TOKENS.operator, {})).status, 200);
    for (const host of [other, one, other]) {
      assert.equal((await ask(verifier, host, await certified(host, instance('0a')))).status, 201);
    }
  });
});

function twice<T>(value: T): [T, T] {
  return [value, value];
}
