import assert from 'node:assert/strict';
import { generateKeyPairSync, sign as signInSoftware } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ByteWriter, concat, toHex } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { nodeCrypto } from '@assay/core/node';
import {
  command,
  EK_TEMPLATES,
  EMPTY_PASSWORD,
  encodePublic,
  encodeSignature,
  loadExternal,
  NV,
  nvDefineSpace,
  nvName,
  nvUndefineSpace,
  nvWrite,
  OBJECT,
  policyAuthorize,
  policyAuthorizeNv,
  policyAuthValue,
  policyCommandCode,
  policyDigest,
  policyDuplicationSelect,
  policyGetDigest,
  policyLocality,
  policyNv,
  policyNvWritten,
  policyOr,
  policyPassword,
  policyPcr,
  policyRestart,
  policySecret,
  policySigned,
  TPM_HANDLE,
  TPM_ST,
  verifySignature,
  AK_ECC_P256,
  type AuthSession,
  type PolicyStep,
} from '@assay/core/tpm';
import { readNvPublic, readSelected, Tpm } from '@assay/linux/tpm';
import { swtpmBench } from './tpm-bench.ts';

const { hasher } = nodeCrypto;
const NONE = new Uint8Array(0);
const REF = Buffer.from('a reference');
const HASHES: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];
const SELECTION = [
  { bank: 'sha1', pcrs: [16] },
  { bank: 'sha256', pcrs: [0, 7, 16] },
] as const;
const ENDORSEMENT = new ByteWriter().u32(TPM_HANDLE.ENDORSEMENT).finish();
const INDEX = 0x01500001;
const LIMITS = { nonceTpm: NONE, cpHashA: NONE, policyRef: REF, expiration: 0 };

describe('policy digests, equal to those of a session of swtpm', () => {
  let bench: Awaited<ReturnType<typeof swtpmBench>>;
  let tpm: Tpm;
  before(async () => {
    bench = await swtpmBench();
    tpm = new Tpm(bench.transport);
    await tpm.startup();
    await tpm.extendPcr(16, new Map([['sha256', new Uint8Array(32).fill(7)]]));
  });
  after(() => bench.dispose());

  /** Runs the commands in a session and compares what the TPM made of them. */
  async function agrees(
    hash: HashName,
    steps: readonly PolicyStep[],
    run: (policySession: number, session: AuthSession) => Promise<void>,
    kind: 'policy' | 'trial' = 'trial',
  ): Promise<void> {
    await tpm.inSession({ kind, hash, symmetric: null }, async (session) => {
      await run(session.handle, session);
      const { policyDigest: theirs } = await tpm.run(command(policyGetDigest, { policySession: session.handle }));
      assert.equal(toHex(policyDigest(hasher, hash, steps)), toHex(theirs));
    });
  }

  for (const hash of HASHES) {
    test(`${hash}: PCRs of two banks, and what follows them`, async () => {
      const values = await readSelected(tpm, SELECTION);
      const steps: PolicyStep[] = [
        { kind: 'pcr', selection: SELECTION, values },
        { kind: 'auth-value' },
        { kind: 'command', code: 0x15e },
        { kind: 'locality', locality: 1 },
        { kind: 'nv-written', written: true },
      ];
      await agrees(
        hash,
        steps,
        async (policySession) => {
          await tpm.run(command(policyPcr, { policySession, pcrDigest: NONE, selection: SELECTION }));
          await tpm.run(command(policyAuthValue, { policySession }));
          await tpm.run(command(policyCommandCode, { policySession, command: 0x15e }));
          await tpm.run(command(policyLocality, { policySession, locality: 1 }));
          await tpm.run(command(policyNvWritten, { policySession, writtenSet: true }));
        },
        'policy',
      );
    });

    test(`${hash}: a secret with and without a reference, a password, and a restart`, async () => {
      const steps: PolicyStep[] = [
        { kind: 'secret', entity: ENDORSEMENT },
        { kind: 'secret', entity: ENDORSEMENT, policyRef: REF },
        { kind: 'password' },
      ];
      await agrees(hash, steps, async (policySession) => {
        await tpm.run(command(policyPassword, { policySession }));
        await tpm.run(command(policyRestart, { sessionHandle: policySession }));
        const values = { authHandle: TPM_HANDLE.ENDORSEMENT, policySession, ...LIMITS };
        await tpm.run(command(policySecret, { ...values, policyRef: NONE }, [EMPTY_PASSWORD]));
        await tpm.run(command(policySecret, values, [EMPTY_PASSWORD]));
        await tpm.run(command(policyPassword, { policySession }));
      });
    });

    test(`${hash}: one of several branches, and a duplication to one parent`, async () => {
      const branches = [3, 4, 5].map((fill) => new Uint8Array(hasher.digest(hash).length).fill(fill));
      const object = concat([Uint8Array.of(0, 0x0b), new Uint8Array(32).fill(1)]);
      const newParent = concat([Uint8Array.of(0, 0x0b), new Uint8Array(32).fill(2)]);
      await agrees(hash, [{ kind: 'auth-value' }, { kind: 'or', branches }], async (policySession) => {
        await tpm.run(command(policyAuthValue, { policySession }));
        await tpm.run(command(policyOr, { policySession, branches }));
      });
      for (const included of [true, false]) {
        const steps = [{ kind: 'duplication', object: included ? object : null, newParent } as const];
        await agrees(hash, steps, async (policySession) => {
          const values = { objectName: object, newParentName: newParent, includeObject: included };
          await tpm.run(command(policyDuplicationSelect, { policySession, ...values }));
        });
      }
    });
  }

  test('a signed use and an approved policy, by a key from outside', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = publicKey.export({ format: 'jwk' });
    const [x, y] = [jwk.x, jwk.y].map((text) => Buffer.from(text ?? '', 'base64url'));
    const attributes = OBJECT.SIGN | OBJECT.USER_WITH_AUTH;
    const area = { ...AK_ECC_P256, attributes, x: x ?? NONE, y: y ?? NONE };
    const parameters = { inPrivate: Uint8Array.of(0, 0), inPublic: encodePublic(area), hierarchy: TPM_HANDLE.OWNER };
    const key = await tpm.run(command(loadExternal, parameters));
    const signatureOver = (message: Uint8Array): Uint8Array => {
      const both = signInSoftware('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return encodeSignature({ scheme: 'ecdsa', hash: 'sha256', r: both.subarray(0, 32), s: both.subarray(32) });
    };
    await tpm.using(key.objectHandle, async () => {
      const signedSteps = [{ kind: 'signed', key: key.name, policyRef: REF } as const];
      await agrees(
        'sha256',
        signedSteps,
        async (policySession, { nonceTpm }) => {
          const auth = signatureOver(concat([nonceTpm, new Uint8Array(4), REF]));
          const values = { authObject: key.objectHandle, policySession, ...LIMITS, nonceTpm, auth };
          await tpm.run(command(policySigned, values));
        },
        'policy',
      );
      const steps = [{ kind: 'auth-value' }, { kind: 'authorize', key: key.name, policyRef: REF }] as const;
      await agrees(
        'sha256',
        steps,
        async (policySession) => {
          await tpm.run(command(policyAuthValue, { policySession }));
          const approvedPolicy = policyDigest(hasher, 'sha256', steps.slice(0, 1));
          const message = concat([approvedPolicy, REF]);
          const digest = hasher.digest('sha256', message);
          const check = { keyHandle: key.objectHandle, digest, signature: signatureOver(message) };
          const { validation } = await tpm.run(command(verifySignature, check));
          assert.equal(validation.tag, TPM_ST.VERIFIED);
          const values = { approvedPolicy, policyRef: REF, keySign: key.name, checkTicket: validation };
          await tpm.run(command(policyAuthorize, { policySession, ...values }));
        },
        'policy',
      );
    });
  });

  test('a comparison with an NV index, and a policy that an index holds', async () => {
    const index = {
      index: INDEX,
      nameAlg: 'sha256',
      attributes: NV.AUTH_READ | NV.AUTH_WRITE | NV.NO_DA,
      authPolicy: NONE,
      dataSize: 34,
    } as const;
    await tpm.run(
      command(nvDefineSpace, { authHandle: TPM_HANDLE.OWNER, auth: NONE, publicInfo: index }, [EMPTY_PASSWORD]),
    );
    const first = [{ kind: 'auth-value' }] as const;
    const held = concat([Uint8Array.of(0, 0x0b), policyDigest(hasher, 'sha256', first)]);
    const own = { authHandle: INDEX, nvIndex: INDEX };
    await tpm.run(command(nvWrite, { ...own, data: held, offset: 0 }, [EMPTY_PASSWORD]));
    const name = nvName(hasher, { ...index, attributes: index.attributes | NV.WRITTEN });
    assert.equal(toHex((await readNvPublic(tpm, INDEX))?.name ?? NONE), toHex(name));
    const operandB = Uint8Array.of(0x0b);
    const comparison = { operandB, offset: 1, operation: 0 };
    await agrees(
      'sha384',
      [{ kind: 'nv', index: name, ...comparison }],
      async (policySession) => {
        await tpm.run(command(policyNv, { ...own, policySession, ...comparison }, [EMPTY_PASSWORD]));
      },
      'policy',
    );
    await agrees(
      'sha256',
      [...first, { kind: 'authorize-nv', index: name }],
      async (policySession) => {
        await tpm.run(command(policyAuthValue, { policySession }));
        await tpm.run(command(policyAuthorizeNv, { ...own, policySession }, [EMPTY_PASSWORD]));
      },
      'policy',
    );
    const undefine = { authHandle: TPM_HANDLE.OWNER, nvIndex: INDEX };
    await tpm.run(command(nvUndefineSpace, undefine, [EMPTY_PASSWORD]));
    assert.equal(await readNvPublic(tpm, INDEX), undefined);
  });
});

describe('policies of the EK templates', () => {
  const policyA = (hash: HashName) => policyDigest(hasher, hash, [{ kind: 'secret', entity: ENDORSEMENT }]);

  test('PolicyA is the secret of the endorsement hierarchy', () => {
    for (const name of ['L-1', 'L-2'] as const) {
      assert.equal(toHex(EK_TEMPLATES[name].area.authPolicy), toHex(policyA('sha256')));
    }
  });

  for (const [template, hash, index] of [
    ['H-2', 'sha256', 0x01c07f01],
    ['H-3', 'sha384', 0x01c07f02],
    ['H-4', 'sha512', 0x01c07f03],
  ] as const) {
    test(`PolicyB of ${hash} is PolicyA, or what the index of the profile holds`, () => {
      const dataSize = hasher.digest(hash).length + 2;
      const attributes = 0x220f1008;
      const name = nvName(hasher, { index, nameAlg: hash, attributes, authPolicy: policyA(hash), dataSize });
      const policyC = policyDigest(hasher, hash, [{ kind: 'authorize-nv', index: name }]);
      const policyB = policyDigest(hasher, hash, [{ kind: 'or', branches: [policyA(hash), policyC] }]);
      assert.equal(toHex(EK_TEMPLATES[template].area.authPolicy), toHex(policyB));
    });
  }
});
