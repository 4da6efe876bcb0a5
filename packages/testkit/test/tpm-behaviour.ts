import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fromHex, toHex } from '@assay/core/bytes';
import { hashAlgorithm } from '@assay/core/hash';
import { nodeCrypto } from '@assay/core/node';
import {
  checkAttestationKey,
  command,
  create,
  encodePublic,
  AK_ECC_P256,
  EMPTY_PASSWORD,
  makeCredential,
  NO_SENSITIVE,
  OBJECT,
  parsePublic,
  pcrExtend,
  pcrRead,
  policyAuthorization,
  policySecret,
  publicName,
  qualifiedName,
  qualifiedNameOfPrimary,
  quote,
  responseCodeOf,
  startAuthSession,
  TPM_HANDLE,
  TPM_RC,
  TPM_SE,
  TpmResponseError,
  verifyQuote,
  type PublicArea,
  type TpmCommand,
} from '@assay/core/tpm';
import { Tpm, type KeyBlobs } from '@assay/linux/tpm';
import { extendOf, REFUSED, REFUSED_TEMPLATES } from './tpm-refusals.ts';
import { codeOf, loadKeys, relayed, valuesInHex, type LoadedKeys, type TpmBench } from './tpm-bench.ts';

const { hasher } = nodeCrypto;
const NONE = new Uint8Array(0);
const SELECTION = [{ bank: 'sha256', pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }] as const;

const POLICY_SESSION = command(startAuthSession, {
  tpmKey: TPM_HANDLE.NULL,
  bind: TPM_HANDLE.NULL,
  nonceCaller: new Uint8Array(16),
  encryptedSalt: NONE,
  sessionType: TPM_SE.POLICY,
  symmetric: null,
  authHash: 'sha256',
});

/** A key of that template under the EK; its session is ended in any case. */
async function createChild(tpm: Tpm, ekHandle: number, template: PublicArea): Promise<KeyBlobs> {
  const { sessionHandle } = await tpm.run(POLICY_SESSION);
  try {
    const handles = { authHandle: TPM_HANDLE.ENDORSEMENT, policySession: sessionHandle };
    const policy = { nonceTpm: NONE, cpHashA: NONE, policyRef: NONE, expiration: 0 };
    await tpm.run(command(policySecret, { ...handles, ...policy }, [EMPTY_PASSWORD]));
    const values = { inSensitive: NO_SENSITIVE, inPublic: encodePublic(template), outsideInfo: NONE, creationPcr: [] };
    const session = policyAuthorization(sessionHandle);
    const made = await tpm.run(command(create, { parentHandle: ekHandle, ...values }, [session]));
    return { private: made.outPrivate, public: made.outPublic };
  } finally {
    await tpm.flush(sessionHandle);
  }
}

function isResponse(code: number): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof TpmResponseError, String(error));
    assert.equal(error.responseCode.toString(16), code.toString(16), error.message);
    return true;
  };
}

/** What every TPM does that Assay works with; run over each kind of TPM there is. */
export function tpmBehaviour(kind: string, start: () => Promise<TpmBench>): void {
  describe(`a TPM (${kind}) that has power`, () => {
    test('refuses commands before TPM2_Startup, and takes a second startup() as done', async (t) => {
      const bench = await start();
      t.after(() => bench.dispose());
      const tpm = new Tpm(bench.transport);
      await assert.rejects(tpm.random(8), isResponse(TPM_RC.INITIALIZE));
      await tpm.startup();
      await tpm.startup();
      assert.equal((await tpm.random(8)).length, 8);
      assert.equal((await tpm.readClock()).resetCount, 1);
    });

    test('is the same TPM after a power cycle: same EK, AK loads, reset counted, PCRs cleared', async (t) => {
      const bench = await start();
      const tpm = new Tpm(bench.transport);
      await tpm.startup();
      const keys = await loadKeys(tpm);
      await tpm.extendPcr(10, new Map([['sha256', new Uint8Array(32).fill(7)]]));
      const again = await bench.powerCycle();
      t.after(() => again.dispose());
      const later = new Tpm(again.transport);
      await later.startup();
      assert.equal((await later.readClock()).resetCount, 2);
      assert.deepEqual(await pcrsHex(later, [10]), ['00'.repeat(32)]);
      const ek = await later.createEndorsementKey();
      assert.deepEqual(ek.public.subarray(2), keys.ek.public.raw);
      const loaded = await later.loadAttestationKey(ek.handle, keys.blobs);
      assert.deepEqual(toHex(loaded.name), toHex(keys.ak.name));
    });
  });

  describe(`a TPM (${kind}) that was started`, () => {
    let bench: TpmBench;
    let tpm: Tpm;
    let keys: LoadedKeys;
    before(async () => {
      bench = await start();
      tpm = new Tpm(bench.transport);
      await tpm.startup();
      keys = await loadKeys(tpm);
    });
    after(() => bench.dispose());

    test('names its manufacturer in four characters and its active banks', async () => {
      assert.match((await tpm.identity()).manufacturer, /^[\x20-\x7e]{1,4}$/);
      const banks = await tpm.activeBanks();
      for (const bank of ['sha1', 'sha256', 'sha384'] as const) assert.ok(banks.includes(bank), bank);
    });

    test('starts with PCRs of zeros, those of a dynamic launch of ones', async () => {
      const values = await tpm.readPcrs('sha1', [0, 9, 17, 22, 23]);
      assert.deepEqual(
        [...values].map(([pcr, value]) => [pcr, toHex(value)]),
        [0, 9, 17, 22, 23].map((pcr) => [pcr, (pcr === 17 || pcr === 22 ? 'ff' : '00').repeat(20)]),
      );
    });

    test('reads all 24 PCRs, eight at a time, in ascending order', async () => {
      const asked = Array.from({ length: 24 }, (_, i) => 23 - i);
      const values = await tpm.readPcrs('sha384', asked);
      assert.deepEqual([...values.keys()], asked.toReversed());
      for (const value of values.values()) assert.equal(value.length, hashAlgorithm('sha384').size);
    });

    test('extends all banks in one command to what is computed in software', async () => {
      const digests = new Map(
        (['sha1', 'sha256', 'sha384'] as const).map((bank) => [bank, hasher.digest(bank, Uint8Array.of(1, 2, 3))]),
      );
      const old = await Promise.all([...digests.keys()].map((bank) => tpm.readPcrs(bank, [10])));
      await tpm.extendPcr(10, digests);
      for (const [index, [bank, digest]] of [...digests].entries()) {
        const expected = hasher.digest(bank, old[index]?.get(10) ?? NONE, digest);
        assert.deepEqual(toHex((await tpm.readPcrs(bank, [10])).get(10) ?? NONE), toHex(expected));
      }
    });

    test('is read again where a PCR changes between two reads', async () => {
      let reads = 0;
      const extend = extendOf(8);
      const disturbed = relayed(bench.transport, async (bytes, send) => {
        const answer = await send(bytes);
        if (codeOf(bytes) === pcrRead.code && ++reads <= 2) await send(extend);
        return answer;
      });
      const values = await new Tpm(disturbed).readPcrs('sha256', [8, 0, 1, 2, 3, 4, 5, 6, 7]);
      assert.equal(reads, 4);
      assert.deepEqual(values, await tpm.readPcrs('sha256', [0, 1, 2, 3, 4, 5, 6, 7, 8]));
    });

    test('makes the same EK of template L-2 each time', async () => {
      const again = await tpm.createEndorsementKey();
      await tpm.flush(again.handle);
      assert.equal(keys.ek.template, 'L-2');
      assert.deepEqual(toHex(again.public.subarray(2)), toHex(keys.ek.public.raw));
    });

    test('gives the AK the name and qualified name that are predicted from the public areas', async () => {
      const seen = await tpm.readPublic(keys.akHandle);
      const ekName = publicName(hasher, keys.ek.public);
      const ekQualified = qualifiedNameOfPrimary(hasher, 'sha256', TPM_HANDLE.ENDORSEMENT, ekName);
      assert.deepEqual(toHex(seen.public.subarray(2)), toHex(keys.ak.public.raw));
      assert.deepEqual(toHex(seen.name), toHex(keys.ak.name));
      assert.deepEqual(toHex(seen.qualifiedName), toHex(qualifiedName(hasher, 'sha256', ekQualified, keys.ak.name)));
    });

    test('quotes what core verifies, signer, counters and PCR values included', async () => {
      const extraData = hasher.digest('sha256', Uint8Array.of(42));
      const quoted = await tpm.quote(keys.akHandle, extraData, SELECTION);
      const pcrValues = new Map([['sha256', await tpm.readPcrs('sha256', SELECTION[0].pcrs)]] as const);
      const qualifiedSigner = (await tpm.readPublic(keys.akHandle)).qualifiedName;
      const verified = verifyQuote(
        { ak: keys.ak, ...quoted, extraData, selection: SELECTION, pcrValues, qualifiedSigner },
        nodeCrypto,
      );
      const now = await tpm.readClock();
      assert.equal(verified.resetCount, now.resetCount);
      assert.equal(verified.restartCount, 0);
      assert.ok(verified.clock <= now.clock && verified.clock + 60_000n > now.clock);
      assert.deepEqual(valuesInHex(verified.pcrValues), valuesInHex(pcrValues));
    });

    test('activates a credential that was made for its EK and AK', async () => {
      const secret = nodeCrypto.credentials.random(32);
      const made = makeCredential(nodeCrypto, keys.ek, keys.ak.name, secret);
      const answer = await tpm.activateCredential(
        keys.akHandle,
        keys.ekHandle,
        made.credentialBlob,
        made.encryptedSecret,
      );
      assert.deepEqual(toHex(answer), toHex(secret));
    });

    test('refuses a credential for another AK with INTEGRITY, and keeps no session of it', async () => {
      const made = makeCredential(nodeCrypto, keys.ek, publicName(hasher, keys.ek.public), new Uint8Array(32));
      for (let i = 0; i < 5; i++) {
        const answer = tpm.activateCredential(keys.akHandle, keys.ekHandle, made.credentialBlob, made.encryptedSecret);
        await assert.rejects(answer, isResponse(0x1df));
      }
    });

    test('refuses a credential of which one bit is changed with INTEGRITY', async () => {
      const made = makeCredential(nodeCrypto, keys.ek, keys.ak.name, new Uint8Array(32));
      const changed = made.credentialBlob.with(made.credentialBlob.length - 1, (made.credentialBlob.at(-1) ?? 0) ^ 1);
      const answer = tpm.activateCredential(keys.akHandle, keys.ekHandle, changed, made.encryptedSecret);
      await assert.rejects(answer, isResponse(0x1df));
    });

    test('refuses a credential whose point is on no curve', async () => {
      const made = makeCredential(nodeCrypto, keys.ek, keys.ak.name, new Uint8Array(32));
      const off = made.encryptedSecret.with(made.encryptedSecret.length - 1, (made.encryptedSecret.at(-1) ?? 0) ^ 1);
      const answer = tpm.activateCredential(keys.akHandle, keys.ekHandle, made.credentialBlob, off);
      await assert.rejects(answer, isResponse(0x2e7));
    });

    test('refuses to load an AK of which one bit of the private part is changed', async () => {
      const changed = keys.blobs.private.with(40, (keys.blobs.private[40] ?? 0) ^ 1);
      const answer = tpm.loadAttestationKey(keys.ekHandle, { ...keys.blobs, private: changed });
      await assert.rejects(answer, isResponse(0x1df));
    });

    test('lets nobody use the EK by password, nor by a policy session that lacks PolicySecret', async () => {
      const parameters = {
        inSensitive: NO_SENSITIVE,
        inPublic: encodePublic(AK_ECC_P256),
        outsideInfo: NONE,
        creationPcr: [],
      };
      const values = { parentHandle: keys.ekHandle, ...parameters };
      await assert.rejects(tpm.run(command(create, values, [EMPTY_PASSWORD])), isResponse(0x12f));
      const { sessionHandle } = await tpm.run(POLICY_SESSION);
      const attempt = tpm.run(command(create, values, [policyAuthorization(sessionHandle)]));
      await assert.rejects(attempt, isResponse(0x99d));
      await tpm.flush(sessionHandle);
    });

    test('makes a decryption key and an unrestricted key under the EK: the first cannot quote, the second is no AK', async () => {
      const { FIXED_TPM, FIXED_PARENT, SENSITIVE_DATA_ORIGIN, USER_WITH_AUTH, DECRYPT, SIGN } = OBJECT;
      const common = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | USER_WITH_AUTH;
      const decrypting = await createChild(tpm, keys.ekHandle, {
        ...AK_ECC_P256,
        attributes: common | DECRYPT,
        scheme: null,
      });
      const { handle } = await tpm.loadAttestationKey(keys.ekHandle, decrypting);
      await assert.rejects(tpm.quote(handle, new Uint8Array(32), SELECTION), isResponse(0x19c));
      await tpm.flush(handle);
      const unrestricted = await createChild(tpm, keys.ekHandle, { ...AK_ECC_P256, attributes: common | SIGN });
      const area = parsePublic(unrestricted.public);
      assert.throws(() => checkAttestationKey(area, hasher), { code: 'AK-ATTRIBUTES' });
    });

    for (const [name, code, change] of REFUSED_TEMPLATES) {
      test(`makes no key from ${name}, and says 0x${code.toString(16)}`, async () => {
        await assert.rejects(createChild(tpm, keys.ekHandle, { ...AK_ECC_P256, ...change }), isResponse(code));
        assert.equal((await tpm.random(1)).length, 1);
      });
    }

    test('refuses a wrong password for the AK', async () => {
      const values = { signHandle: keys.akHandle, qualifyingData: NONE, inScheme: null, selection: SELECTION };
      const wrong = { ...EMPTY_PASSWORD, hmac: Uint8Array.of(1) };
      await assert.rejects(tpm.run(command(quote, values, [wrong])), isResponse(0x9a2));
    });

    for (const [name, code, bytes] of REFUSED) {
      test(`refuses ${name} with 0x${code.toString(16)}`, async () => {
        const response = await bench.transport.send(bytes(keys.ekHandle, keys.akHandle));
        assert.equal(responseCodeOf(response).toString(16), code.toString(16));
        assert.equal(response.length, 10);
      });
    }

    test('holds three objects and three sessions, then says 0x902 and 0x903', async () => {
      const third = await tpm.createEndorsementKey();
      await assert.rejects(tpm.createEndorsementKey(), isResponse(TPM_RC.OBJECT_MEMORY));
      await tpm.flush(third.handle);
      const sessions = [];
      for (let i = 0; i < 3; i++) sessions.push((await tpm.run(POLICY_SESSION)).sessionHandle);
      await assert.rejects(tpm.run(POLICY_SESSION), isResponse(TPM_RC.SESSION_MEMORY));
      for (const session of sessions) await tpm.flush(session);
    });

    test('has the same room left after 200 quotes and 20 activations', async () => {
      const extraData = new Uint8Array(32);
      for (let i = 0; i < 200; i++) await tpm.quote(keys.akHandle, extraData, SELECTION);
      const made = makeCredential(nodeCrypto, keys.ek, keys.ak.name, new Uint8Array(32));
      for (let i = 0; i < 20; i++) {
        await tpm.activateCredential(keys.akHandle, keys.ekHandle, made.credentialBlob, made.encryptedSecret);
      }
      const third = await tpm.createEndorsementKey();
      await tpm.flush(third.handle);
    });

    for (const code of [TPM_RC.RETRY, TPM_RC.YIELDED, TPM_RC.TESTING]) {
      test(`is sent the same bytes again when it answers 0x${code.toString(16)}`, async () => {
        const seen: string[] = [];
        const busy = relayed(bench.transport, async (bytes, send) => {
          seen.push(toHex(bytes));
          return seen.length < 4 ? fromHex(`80010000000a00000${code.toString(16)}`) : send(bytes);
        });
        await new Tpm(busy).quote(keys.akHandle, new Uint8Array(32), SELECTION);
        assert.equal(seen.length, 4);
        assert.equal(new Set(seen).size, 1);
      });
    }

    test('answers commands that are sent at once in their order', async () => {
      const step = (i: number): TpmCommand<unknown> =>
        command(pcrExtend, { pcr: 16, digests: [{ algorithm: 'sha256', digest: new Uint8Array(32).fill(i) }] }, [
          EMPTY_PASSWORD,
        ]);
      await Promise.all(Array.from({ length: 50 }, (_, i) => tpm.run(step(i))));
      let expected: Uint8Array = new Uint8Array(32);
      for (let i = 0; i < 50; i++) expected = hasher.digest('sha256', expected, new Uint8Array(32).fill(i));
      assert.deepEqual(await pcrsHex(tpm, [16]), [toHex(expected)]);
    });
  });
}

async function pcrsHex(tpm: Tpm, pcrs: readonly number[]): Promise<string[]> {
  return [...(await tpm.readPcrs('sha256', pcrs)).values()].map((value) => toHex(value));
}
