import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { concat, toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import * as tpm2 from '@assay/core/tpm';
import {
  AK_ECC_P256,
  command,
  EMPTY_PASSWORD,
  encodePublic,
  NO_SENSITIVE,
  OBJECT,
  parsePublic,
  parseSignature,
  passwordAuthorization,
  policyAuthorization,
  policyDigest,
  publicKeyOf,
  SRK_ECC_P256,
  TPM_HANDLE,
  TPM_ST,
  verifyCertify,
  verifyCreation,
  verifyTime,
  type KeyedHashPublicArea,
} from '@assay/core/tpm';
import {
  attestTime,
  certifyCreationOf,
  certifyObject,
  readAlgorithms,
  readBanks,
  readCommands,
  readCurves,
  readHandles,
  Tpm,
  type LoadedObject,
} from '@assay/linux/tpm';
import { loadKeys, swtpmBench } from './tpm-bench.ts';

const { hasher } = nodeCrypto;
const NONE = new Uint8Array(0);
const QUESTION = hasher.digest('sha256', Uint8Array.of(9));
const CHILD = OBJECT.FIXED_TPM | OBJECT.FIXED_PARENT | OBJECT.SENSITIVE_DATA_ORIGIN | OBJECT.USER_WITH_AUTH;
const NO_TICKET = { tag: TPM_ST.HASHCHECK, hierarchy: TPM_HANDLE.NULL, digest: NONE };
const PERSISTENT = 0x81000123;

/** Every layout that core exports. */
function layouts(): { readonly name: string; readonly code: number }[] {
  return Object.values(tpm2).flatMap((each) =>
    typeof each === 'object' && 'authorizations' in each && 'code' in each ? [each] : [],
  );
}

describe('commands of a TPM, on swtpm', () => {
  let bench: Awaited<ReturnType<typeof swtpmBench>>;
  let tpm: Tpm;
  before(async () => {
    bench = await swtpmBench();
    tpm = new Tpm(bench.transport);
    await tpm.startup();
  });
  after(() => bench.dispose());

  const withSrk = async <R>(use: (srk: LoadedObject) => Promise<R>): Promise<R> => {
    const srk = await tpm.createPrimary(TPM_HANDLE.OWNER, SRK_ECC_P256);
    return tpm.using(srk.handle, () => use(srk));
  };
  const childOf = async (srk: LoadedObject, area: tpm2.PublicArea): Promise<{ handle: number; public: Uint8Array }> => {
    const values = { parentHandle: srk.handle, inSensitive: NO_SENSITIVE, inPublic: encodePublic(area) };
    const made = await tpm.run(command(tpm2.createLoaded, values, [EMPTY_PASSWORD]));
    return { handle: made.objectHandle, public: made.outPublic };
  };

  test('swtpm has every command of core, under its code', async () => {
    const known = new Set(await readCommands((each) => tpm.run(each)));
    assert.ok(layouts().length >= 60);
    for (const { name, code } of layouts()) {
      assert.ok(known.has(code), `TPM2_${name}`);
    }
  });

  test('capabilities: algorithms, curves, banks and handles', async () => {
    const run: tpm2.RunCommand = (each) => tpm.run(each);
    assert.ok((await readAlgorithms(run)).includes(0x000b));
    assert.ok((await readCurves(run)).includes(0x0003));
    assert.ok((await readBanks(run)).some(({ algorithm, pcrs }) => algorithm === 0x000b && pcrs.length === 24));
    assert.ok((await readHandles(run, 0x40000000)).includes(TPM_HANDLE.ENDORSEMENT));
  });

  test('SelfTest, StirRandom, DictionaryAttackLockReset', async () => {
    await tpm.run(command(tpm2.selfTest, { fullTest: true }));
    await tpm.run(command(tpm2.stirRandom, { inData: QUESTION }));
    await tpm.run(command(tpm2.dictionaryAttackLockReset, { lockHandle: TPM_HANDLE.LOCKOUT }, [EMPTY_PASSWORD]));
  });

  test('HierarchyChangeAuth gives a hierarchy a password, and takes it back', async () => {
    const password = Buffer.from('owner');
    const change = (newAuth: Uint8Array, old: tpm2.Authorization): Promise<unknown> =>
      tpm.run(command(tpm2.hierarchyChangeAuth, { authHandle: TPM_HANDLE.OWNER, newAuth }, [old]));
    await change(password, EMPTY_PASSWORD);
    await assert.rejects(change(NONE, EMPTY_PASSWORD), { code: 'TPM-RESPONSE' });
    await change(NONE, passwordAuthorization(password));
  });

  test('Hash and PCR_Event give the digests that software computes; PCR_Reset clears', async () => {
    const data = Buffer.from('some data');
    const hashed = await tpm.run(command(tpm2.hash, { data, hashAlg: 'sha384', hierarchy: TPM_HANDLE.OWNER }));
    assert.equal(toHex(hashed.outHash), toHex(hasher.digest('sha384', data)));
    assert.equal(hashed.validation.tag, TPM_ST.HASHCHECK);
    const { digests } = await tpm.run(command(tpm2.pcrEvent, { pcr: 16, eventData: data }, [EMPTY_PASSWORD]));
    for (const { algorithm, digest } of digests) {
      assert.equal(toHex(digest), toHex(hasher.digest(algorithm, data)));
    }
    assert.ok(digests.length >= 3);
    await tpm.run(command(tpm2.pcrReset, { pcr: 16 }, [EMPTY_PASSWORD]));
    assert.ok((await tpm.readPcrs('sha256', [16])).get(16)?.every((byte) => byte === 0));
  });

  test('PCR_Allocate says whether banks can be so', async () => {
    const allocation = await readBanks((each) => tpm.run(each));
    const values = { authHandle: TPM_HANDLE.PLATFORM, allocation };
    const answer = await tpm.run(command(tpm2.pcrAllocate, values, [EMPTY_PASSWORD]));
    assert.deepEqual([answer.allocationSuccess, answer.maxPcr], [true, 24]);
  });

  test('ContextSave and ContextLoad take a key out and in again', () =>
    withSrk(async (srk) => {
      const { context } = await tpm.run(command(tpm2.contextSave, { saveHandle: srk.handle }));
      const { loadedHandle } = await tpm.run(command(tpm2.contextLoad, { context }));
      const again = await tpm.readPublic(loadedHandle);
      await tpm.flush(loadedHandle);
      assert.equal(toHex(again.name), toHex(srk.name));
    }));

  test('EvictControl makes a key persistent and removes it', () =>
    withSrk(async (srk) => {
      const evict = (objectHandle: number): Promise<unknown> => {
        const values = { auth: TPM_HANDLE.OWNER, objectHandle, persistentHandle: PERSISTENT };
        return tpm.run(command(tpm2.evictControl, values, [EMPTY_PASSWORD]));
      };
      await evict(srk.handle);
      assert.deepEqual(await readHandles((each) => tpm.run(each), 0x81000000), [PERSISTENT]);
      assert.equal(toHex((await tpm.readPublic(PERSISTENT)).name), toHex(srk.name));
      await evict(PERSISTENT);
      assert.deepEqual(await readHandles((each) => tpm.run(each), 0x81000000), []);
    }));

  test('CreateLoaded, Sign and VerifySignature: by an unrestricted key', () =>
    withSrk(async (srk) => {
      const key = await childOf(srk, { ...AK_ECC_P256, attributes: CHILD | OBJECT.SIGN });
      await tpm.using(key.handle, async () => {
        const message = Buffer.from('a message');
        const digest = hasher.digest('sha256', message);
        const values = { keyHandle: key.handle, digest, inScheme: null, validation: NO_TICKET };
        const { signature } = await tpm.run(command(tpm2.sign, values, [EMPTY_PASSWORD]));
        const parsed = parseSignature(signature);
        const publicKey = publicKeyOf(parsePublic(key.public));
        assert.ok(parsed.scheme === 'ecdsa' && publicKey.kind === 'ecc');
        assert.ok(nodeCrypto.signatures.verify(publicKey, parsed, message));
        const check = { keyHandle: key.handle, digest, signature };
        assert.equal((await tpm.run(command(tpm2.verifySignature, check))).validation.tag, TPM_ST.VERIFIED);
        const other = { ...check, digest: QUESTION };
        await assert.rejects(tpm.run(command(tpm2.verifySignature, other)), { message: /SIGNATURE/ });
      });
    }));

  test('HMAC by a key that the TPM made, and by one from outside', () =>
    withSrk(async (srk) => {
      const area: KeyedHashPublicArea = {
        type: 'keyedhash',
        nameAlg: 'sha256',
        attributes: CHILD | OBJECT.SIGN,
        authPolicy: NONE,
        hmac: 'sha256',
        unique: NONE,
      };
      const { handle } = await childOf(srk, area);
      const of = async (key: number): Promise<Uint8Array> =>
        (await tpm.run(command(tpm2.hmac, { handle: key, buffer: QUESTION, hashAlg: 'sha256' }, [EMPTY_PASSWORD])))
          .outHmac;
      assert.equal(toHex(await of(handle)), toHex(await of(handle)));
      await tpm.flush(handle);
      const key = Buffer.alloc(32, 5);
      const seed = Buffer.alloc(32, 6);
      const sized = (bytes: Uint8Array): Uint8Array => tpm2.encode(tpm2.sized(256), bytes);
      const secretArea = concat([Uint8Array.of(0, 8, 0, 0), sized(seed), sized(key)]);
      const outside = {
        ...area,
        attributes: OBJECT.USER_WITH_AUTH | OBJECT.SIGN,
        unique: hasher.digest('sha256', seed, key),
      };
      const values = { inPrivate: sized(secretArea), inPublic: encodePublic(outside), hierarchy: TPM_HANDLE.NULL };
      const loaded = await tpm.run(command(tpm2.loadExternal, values));
      assert.equal(toHex(await of(loaded.objectHandle)), createHmac('sha256', key).update(QUESTION).digest('hex'));
      await tpm.flush(loaded.objectHandle);
    }));

  test('ECDH_ZGen gives the point that software shares with the key', () =>
    withSrk(async (srk) => {
      const attributes = CHILD | OBJECT.DECRYPT;
      const key = await childOf(srk, { ...AK_ECC_P256, attributes, scheme: null });
      const publicKey = publicKeyOf(parsePublic(key.public));
      assert.ok(publicKey.kind === 'ecc');
      const { ephemeral, shared } = nodeCrypto.credentials.ephemeralEcdh(publicKey);
      const values = { keyHandle: key.handle, inPoint: ephemeral };
      const { outPoint } = await tpm.run(command(tpm2.ecdhZGen, values, [EMPTY_PASSWORD]));
      await tpm.flush(key.handle);
      assert.equal(toHex(outPoint.x), toHex(shared));
    }));

  test('Duplicate and Import move a key to another parent', () =>
    withSrk(async (srk) => {
      const authPolicy = policyDigest(hasher, 'sha256', [{ kind: 'command', code: tpm2.duplicate.code }]);
      const attributes = OBJECT.SENSITIVE_DATA_ORIGIN | OBJECT.USER_WITH_AUTH | OBJECT.SIGN;
      const area = { ...AK_ECC_P256, attributes, authPolicy };
      const key = await childOf(srk, area);
      const moved = await tpm.using(key.handle, () =>
        tpm.inSession({ kind: 'policy', hash: 'sha256', symmetric: null }, async ({ handle }) => {
          await tpm.run(command(tpm2.policyCommandCode, { policySession: handle, command: tpm2.duplicate.code }));
          const values = {
            objectHandle: key.handle,
            newParentHandle: srk.handle,
            encryptionKeyIn: NONE,
            symmetric: null,
          };
          return tpm.run(command(tpm2.duplicate, values, [policyAuthorization(handle)]));
        }),
      );
      const values = {
        parentHandle: srk.handle,
        encryptionKey: NONE,
        objectPublic: key.public,
        duplicate: moved.duplicate,
        inSymSeed: moved.outSymSeed,
        symmetric: null,
      };
      const { outPrivate } = await tpm.run(command(tpm2.importObject, values, [EMPTY_PASSWORD]));
      const blobs = { parentHandle: srk.handle, inPrivate: outPrivate, inPublic: key.public };
      const { objectHandle } = await tpm.run(command(tpm2.load, blobs, [EMPTY_PASSWORD]));
      await tpm.flush(objectHandle);
    }));

  test('MakeCredential of the TPM is opened by ActivateCredential', async () => {
    const keys = await loadKeys(tpm);
    const values = { handle: keys.ekHandle, credential: QUESTION, objectName: keys.ak.name };
    const made = await tpm.run(command(tpm2.makeCredentialByTpm, values));
    const answer = await tpm.activateCredential(keys.akHandle, keys.ekHandle, made.credentialBlob, made.secret);
    assert.equal(toHex(answer), toHex(QUESTION));
    await tpm.flush(keys.akHandle);
    await tpm.flush(keys.ekHandle);
  });

  describe('attestations', () => {
    const otherQuestion = { extraData: new Uint8Array(32) };
    let ak: tpm2.VerifiedAttestationKey;
    let akHandle: number;
    before(async () => {
      const keys = await loadKeys(tpm);
      ({ ak, akHandle } = keys);
      await tpm.flush(keys.ekHandle);
    });
    after(() => tpm.flush(akHandle));

    test('Certify: an object is loaded, by its name', () =>
      withSrk(async (srk) => {
        const signed = await certifyObject(tpm, { akHandle, extraData: QUESTION }, srk.handle);
        const { qualifiedName } = await tpm.readPublic(srk.handle);
        const input = { ak, ...signed, extraData: QUESTION };
        const verified = verifyCertify(input, { name: srk.name, qualifiedName }, nodeCrypto);
        assert.equal(toHex(verified.attested.name), toHex(srk.name));
        const refuses = (changes: object, expected: object, code: string): void => {
          const what = { name: srk.name, qualifiedName, ...expected };
          assert.throws(() => verifyCertify({ ...input, ...changes }, what, nodeCrypto), { code });
        };
        refuses({}, { name: ak.name }, 'ATTEST-SUBJECT');
        refuses({}, { qualifiedName: ak.name }, 'ATTEST-SUBJECT');
        refuses(otherQuestion, {}, 'QUOTE-NONCE');
        refuses({ message: signed.message.with(50, (signed.message[50] ?? 0) ^ 1) }, {}, 'QUOTE-SIGNATURE');
        assert.throws(() => verifyTime(input, nodeCrypto), { code: 'QUOTE-MAGIC' });
      }));

    test('CertifyCreation: this TPM created the object, as its creation data say', async () => {
      const inPublic = encodePublic(SRK_ECC_P256);
      const values = { primaryHandle: TPM_HANDLE.OWNER, inSensitive: NO_SENSITIVE, inPublic };
      const creating = command(tpm2.createPrimary, { ...values, outsideInfo: QUESTION, creationPcr: [] }, [
        EMPTY_PASSWORD,
      ]);
      const made = await tpm.run(creating);
      await tpm.using(made.objectHandle, async () => {
        const signer = { akHandle, extraData: QUESTION };
        const signed = await certifyCreationOf(tpm, signer, made.objectHandle, made);
        const input = { ak, ...signed, extraData: QUESTION };
        const creationHash = hasher.digest('sha256', made.creationData);
        assert.ok(verifyCreation(input, { name: made.name, creationHash }, nodeCrypto));
        const other = { name: made.name, creationHash: QUESTION };
        assert.throws(() => verifyCreation(input, other, nodeCrypto), { code: 'ATTEST-SUBJECT' });
      });
    });

    test('GetTime: the clock, as ReadClock shows it', async () => {
      const signed = await attestTime(tpm, { akHandle, extraData: QUESTION });
      const verified = verifyTime({ ak, ...signed, extraData: QUESTION }, nodeCrypto);
      const now = await tpm.readClock();
      assert.equal(verified.attested.clockInfo.resetCount, now.resetCount);
      assert.ok(verified.attested.clockInfo.clock <= now.clock);
      assert.equal(verified.clock, verified.attested.clockInfo.clock);
    });
  });

  test('Clear makes another storage key of the owner hierarchy', async () => {
    const before = await withSrk(async (srk) => toHex(srk.name));
    await tpm.run(command(tpm2.clear, { authHandle: TPM_HANDLE.LOCKOUT }, [EMPTY_PASSWORD]));
    assert.notEqual(await withSrk(async (srk) => toHex(srk.name)), before);
  });
});
