import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  command,
  create,
  EMPTY_PASSWORD,
  encodePublic,
  getRandom,
  getSessionAuditDigest,
  load,
  parsePublic,
  pcrExtend,
  sealedTemplate,
  sensitive,
  SRK_ECC_P256,
  TPM_HANDLE,
  unseal,
  verifySessionAudit,
  type EccPublicArea,
  type RsaPublicArea,
  type SessionOptions,
  type Use,
} from '@assay/core/tpm';
import { readHandles, Tpm, type LoadedObject, type TpmTransport } from '@assay/linux/tpm';
import { codeOf, loadKeys, relayed, swtpmBench } from './tpm-bench.ts';

const NONE = new Uint8Array(0);
const PASSWORD = Buffer.from('a password\0\0'); // A TPM drops the zeros at its end.
const SECRET = Buffer.from('what nobody may read on the bus.');
const SRK_RSA: RsaPublicArea = {
  ...SRK_ECC_P256,
  type: 'rsa',
  keyBits: 2048,
  exponent: 0,
  modulus: NONE,
};
const SRK_P384: EccPublicArea = { ...SRK_ECC_P256, curve: 'p384', nameAlg: 'sha384', symmetric: { keyBits: 256 } };

describe('sessions, on swtpm', () => {
  let bench: Awaited<ReturnType<typeof swtpmBench>>;
  let tpm: Tpm;
  /** Every command and answer since the start of a test. */
  let bus: Uint8Array[] = [];
  let tamper: (answer: Uint8Array, code: number) => Uint8Array = (answer) => answer;
  before(async () => {
    bench = await swtpmBench();
    const watched: TpmTransport = relayed(bench.transport, async (bytes, send) => {
      const answer = tamper(await send(bytes), codeOf(bytes));
      bus.push(bytes, answer);
      return answer;
    });
    tpm = new Tpm(watched);
    await tpm.startup();
  });
  after(() => bench.dispose());

  async function withSrk<R>(
    template: EccPublicArea | RsaPublicArea,
    use: (srk: LoadedObject) => Promise<R>,
  ): Promise<R> {
    const srk = await tpm.createPrimary(TPM_HANDLE.OWNER, template);
    return tpm.using(srk.handle, () => use(srk));
  }

  /** Handles of loaded and of saved sessions, and of transient objects. */
  async function loaded(): Promise<number[]> {
    const kinds = [0x02000000, 0x03000000, 0x80000000];
    return (await Promise.all(kinds.map((first) => readHandles((each) => tpm.run(each), first)))).flat();
  }

  /** Seals under the password and unseals again, in these sessions. */
  async function sealsIn(srk: LoadedObject, options: SessionOptions, encrypts: boolean): Promise<void> {
    bus = [];
    await tpm.inSession(options, async (session) => {
      const use = { session, encryptCommand: encrypts, encryptResponse: encrypts };
      const names = new Map([[srk.handle, srk.name]]);
      const inPublic = encodePublic(sealedTemplate('sha256', NONE, false));
      const template = { inSensitive: sensitive(PASSWORD, SECRET), inPublic, outsideInfo: NONE, creationPcr: [] };
      const made = await tpm.runInSessions(create, { parentHandle: srk.handle, ...template }, [use], names);
      const blobs = { inPrivate: made.outPrivate, inPublic: made.outPublic };
      const item = await tpm.runInSessions(load, { parentHandle: srk.handle, ...blobs }, [{ session }], names);
      await tpm.using(item.objectHandle, async () => {
        names.set(item.objectHandle, item.name);
        const open: Use = { session, authValue: PASSWORD, encryptResponse: encrypts };
        const { data } = await tpm.runInSessions(unseal, { itemHandle: item.objectHandle }, [open], names);
        assert.equal(toHex(data), toHex(SECRET));
        const wrong: Use = { session, authValue: Buffer.from('b'), encryptResponse: encrypts };
        const attempt = tpm.runInSessions(unseal, { itemHandle: item.objectHandle }, [wrong], names);
        await assert.rejects(attempt, { code: 'TPM-RESPONSE', message: /BAD_AUTH|AUTH_FAIL/ });
      });
    });
    const seen = bus.some((bytes) => Buffer.from(bytes).includes(SECRET));
    assert.equal(seen, !encrypts);
  }

  const plain = { kind: 'hmac', hash: 'sha256', symmetric: null } as const;
  const saltOf = (srk: LoadedObject) => ({ handle: srk.handle, public: parsePublic(srk.public) });
  const bindOf = (srk: LoadedObject) => ({ handle: srk.handle, name: srk.name, authValue: NONE });
  const cipher = { keyBits: 128 } as const;

  for (const [name, template, options, encrypts] of [
    ['an HMAC session proves a password and hides nothing', SRK_ECC_P256, () => plain, false],
    [
      'a session salted to an ECC key hides what is sealed and unsealed',
      SRK_ECC_P256,
      (srk) => ({ ...plain, symmetric: cipher, salt: saltOf(srk) }),
      true,
    ],
    [
      'a session salted to an RSA key does too',
      SRK_RSA,
      (srk) => ({ ...plain, symmetric: cipher, salt: saltOf(srk) }),
      true,
    ],
    [
      'so does one salted to a P-384 key, with SHA-384 and AES-256',
      SRK_P384,
      (srk) => ({ ...plain, hash: 'sha384', symmetric: { keyBits: 256 }, salt: saltOf(srk) }),
      true,
    ],
    [
      'a session bound to a key encrypts',
      SRK_ECC_P256,
      (srk) => ({ ...plain, symmetric: cipher, bind: bindOf(srk) }),
      true,
    ],
    [
      'a session that is salted and bound encrypts',
      SRK_ECC_P256,
      (srk) => ({ ...plain, hash: 'sha512', symmetric: cipher, salt: saltOf(srk), bind: bindOf(srk) }),
      true,
    ],
  ] as readonly [string, EccPublicArea | RsaPublicArea, (srk: LoadedObject) => SessionOptions, boolean][]) {
    test(name, () => withSrk(template, (srk) => sealsIn(srk, options(srk), encrypts)));
  }

  test('a session that is bound to an entity with a password proves it without repeating it', () =>
    withSrk(SRK_ECC_P256, async (srk) => {
      const inPublic = encodePublic(sealedTemplate('sha256', NONE, false));
      const template = { inSensitive: sensitive(PASSWORD, SECRET), inPublic, outsideInfo: NONE, creationPcr: [] };
      const made = await tpm.run(command(create, { parentHandle: srk.handle, ...template }, [EMPTY_PASSWORD]));
      const blobs = { inPrivate: made.outPrivate, inPublic: made.outPublic };
      const item = await tpm.run(command(load, { parentHandle: srk.handle, ...blobs }, [EMPTY_PASSWORD]));
      await tpm.using(item.objectHandle, async () => {
        const bind = { handle: item.objectHandle, name: item.name, authValue: PASSWORD };
        await tpm.inSession({ ...plain, symmetric: cipher, salt: saltOf(srk), bind }, async (session) => {
          const use = { session, authValue: PASSWORD, encryptResponse: true };
          const names = new Map([[item.objectHandle, item.name]]);
          const { data } = await tpm.runInSessions(unseal, { itemHandle: item.objectHandle }, [use], names);
          assert.equal(toHex(data), toHex(SECRET));
        });
      });
    }));

  test('a session beside the password of a command encrypts it, and one of two sessions does', () =>
    withSrk(SRK_ECC_P256, async (srk) => {
      const options = { ...plain, symmetric: cipher, salt: saltOf(srk) };
      const inPublic = encodePublic(sealedTemplate('sha256', NONE, false));
      const template = { inSensitive: sensitive(NONE, SECRET), inPublic, outsideInfo: NONE, creationPcr: [] };
      const values = { parentHandle: srk.handle, ...template };
      const names = new Map([[srk.handle, srk.name]]);
      bus = [];
      await tpm.inSession(options, (session) =>
        tpm.runInSessions(create, values, [EMPTY_PASSWORD, { session, encryptCommand: true }], names),
      );
      await tpm.inSession(plain, (first) =>
        tpm.inSession(options, async (second) => {
          const uses = [{ session: first }, { session: second, encryptCommand: true, encryptResponse: true }];
          await tpm.runInSessions(create, values, uses, names);
          await tpm.inSession(options, async (third) => {
            const apart = [
              { session: first },
              { session: second, encryptCommand: true },
              { session: third, encryptResponse: true },
            ];
            await tpm.runInSessions(create, values, apart, names);
          });
        }),
      );
      assert.ok(!bus.some((bytes) => Buffer.from(bytes).includes(SECRET)));
    }));

  test('a command without handles is answered under a session', () =>
    withSrk(SRK_ECC_P256, (srk) =>
      tpm.inSession({ ...plain, symmetric: cipher, salt: saltOf(srk) }, async (session) => {
        const { randomBytes } = await tpm.runInSessions(getRandom, { bytesRequested: 24 }, [
          { session, encryptResponse: true },
        ]);
        assert.equal(randomBytes.length, 24);
        assert.ok(!bus.some((bytes) => Buffer.from(bytes).includes(Buffer.from(randomBytes))));
      }),
    ));

  test('an answer of which one bit is changed on the way is TPM-SESSION, and nothing stays open', async () => {
    const before = await loaded();
    /** Of an answer of 24 random bytes: the HMAC, the TPM's nonce, the bytes. */
    for (const place of [-1, -32, -40, 16, 30]) {
      tamper = (answer, code) => {
        if (code !== getRandom.code) return answer;
        const at = place < 0 ? answer.length + place : place;
        return answer.with(at, (answer[at] ?? 0) ^ 1);
      };
      const attempt = withSrk(SRK_ECC_P256, (srk) =>
        tpm.inSession({ ...plain, salt: saltOf(srk) }, (session) =>
          tpm.runInSessions(getRandom, { bytesRequested: 24 }, [{ session, audit: true }]),
        ),
      );
      await assert.rejects(attempt, { code: 'TPM-SESSION' }, `place ${place}`);
      tamper = (answer) => answer;
    }
    assert.deepEqual(await loaded(), before);
  });

  test('a session lives through commands that fail, and ends with its last use', () =>
    withSrk(SRK_ECC_P256, (srk) =>
      tpm.inSession({ ...plain, salt: saltOf(srk) }, async (session) => {
        const extend = (pcr: number, last = false): Promise<unknown> => {
          const digests = [{ algorithm: 'sha256', digest: new Uint8Array(32) } as const];
          return tpm.runInSessions(pcrExtend, { pcr, digests }, [{ session, last }]);
        };
        for (let i = 0; i < 3; i++) {
          await assert.rejects(extend(17), { code: 'TPM-RESPONSE', message: /LOCALITY/ });
          await extend(16);
        }
        await extend(16, true);
        await assert.rejects(extend(16), { code: 'TPM-RESPONSE' });
      }),
    ));

  test('the audit digest of a session is what its commands lead to, and the AK signs it', async () => {
    const keys = await loadKeys(tpm);
    const { hasher } = nodeCrypto;
    const extraData = hasher.digest('sha256', Uint8Array.of(3));
    await tpm.inSession(plain, async (session) => {
      const digests = [{ algorithm: 'sha256', digest: new Uint8Array(32) } as const];
      bus = [];
      await tpm.runInSessions(pcrExtend, { pcr: 16, digests }, [{ session, audit: true }]);
      const [sent] = bus;
      const number = (value: number): Uint8Array => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');
      const parameters = Buffer.from(sent ?? NONE).subarray(-(4 + 2 + 32));
      const cpHash = hasher.digest('sha256', number(pcrExtend.code), number(16), parameters);
      const rpHash = hasher.digest('sha256', number(0), number(pcrExtend.code));
      const sessionDigest = hasher.digest('sha256', new Uint8Array(32), cpHash, rpHash);
      const handles = { privacyAdminHandle: TPM_HANDLE.ENDORSEMENT, signHandle: keys.akHandle };
      const question = { sessionHandle: session.handle, qualifyingData: extraData, inScheme: null };
      const answer = await tpm.run(
        command(getSessionAuditDigest, { ...handles, ...question }, [EMPTY_PASSWORD, EMPTY_PASSWORD]),
      );
      const input = { ak: keys.ak, message: answer.attest, signature: answer.signature, extraData };
      assert.ok(verifySessionAudit(input, { sessionDigest }, nodeCrypto));
      const other = { sessionDigest: new Uint8Array(32) };
      assert.throws(() => verifySessionAudit(input, other, nodeCrypto), { code: 'ATTEST-SUBJECT' });
    });
    await tpm.flush(keys.akHandle);
    await tpm.flush(keys.ekHandle);
  });
});
