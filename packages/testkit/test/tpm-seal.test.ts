import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import { policyPcr } from '@assay/core/tpm';
import { readHandles, readSelected, sealData, Tpm, unsealData, type TpmTransport } from '@assay/linux/tpm';
import { codeOf, relayed, swtpmBench } from './tpm-bench.ts';
import { extendOf } from './tpm-refusals.ts';

const SECRET = Buffer.from('a key of the disk, 32 bytes long');
const PASSWORD = Buffer.from('correct horse');
const SELECTION = [
  { bank: 'sha1', pcrs: [7] },
  { bank: 'sha256', pcrs: [0, 7, 16] },
] as const;
const EXTENDED = new Map([['sha256', new Uint8Array(32).fill(1)]] as const);

describe('sealing, on swtpm', () => {
  let bench: Awaited<ReturnType<typeof swtpmBench>>;
  let tpm: Tpm;
  let bus: Uint8Array[] = [];
  let onPolicyPcr: (() => Promise<unknown>) | undefined;
  before(async () => {
    bench = await swtpmBench();
    const watched: TpmTransport = relayed(bench.transport, async (bytes, send) => {
      const answer = await send(bytes);
      bus.push(bytes, answer);
      if (codeOf(bytes) === policyPcr.code) await onPolicyPcr?.();
      return answer;
    });
    tpm = new Tpm(watched);
    await tpm.startup();
  });
  after(() => bench.dispose());

  async function leavesNothing(use: () => Promise<void>): Promise<void> {
    await use();
    for (const first of [0x02000000, 0x03000000, 0x80000000]) {
      assert.deepEqual(await readHandles((each) => tpm.run(each), first), []);
    }
  }

  test('what is sealed to PCRs is unsealed until one of them changes, and is never on the bus', () =>
    leavesNothing(async () => {
      bus = [];
      const blobs = await sealData(tpm, SECRET, { selection: SELECTION });
      const policy = { selection: SELECTION, password: false };
      assert.equal(toHex(await unsealData(tpm, blobs, policy)), toHex(SECRET));
      await tpm.extendPcr(16, EXTENDED);
      await assert.rejects(unsealData(tpm, blobs, policy), { responseCode: 0x99d });
      assert.ok(!bus.some((bytes) => Buffer.from(bytes).includes(SECRET)));
    }));

  test('data can be sealed to values that the PCRs will have', () =>
    leavesNothing(async () => {
      const now = await readSelected(tpm, SELECTION);
      const { hasher } = nodeCrypto;
      const sha256 = new Map(now.get('sha256'));
      sha256.set(16, hasher.digest('sha256', sha256.get(16) ?? SECRET, new Uint8Array(32).fill(1)));
      const values = new Map(now).set('sha256', sha256);
      const blobs = await sealData(tpm, SECRET, { selection: SELECTION, values });
      const policy = { selection: SELECTION, password: false };
      await assert.rejects(unsealData(tpm, blobs, policy), { responseCode: 0x99d });
      await tpm.extendPcr(16, EXTENDED);
      assert.equal(toHex(await unsealData(tpm, blobs, policy)), toHex(SECRET));
    }));

  test('with PCRs and a password both are needed', () =>
    leavesNothing(async () => {
      const blobs = await sealData(tpm, SECRET, { selection: SELECTION, password: PASSWORD });
      const policy = { selection: SELECTION, password: true };
      assert.equal(toHex(await unsealData(tpm, blobs, { ...policy, passwordValue: PASSWORD })), toHex(SECRET));
      await assert.rejects(unsealData(tpm, blobs, { ...policy, passwordValue: SECRET }), { code: 'TPM-RESPONSE' });
      await assert.rejects(unsealData(tpm, blobs, policy), { code: 'TPM-RESPONSE' });
      await assert.rejects(unsealData(tpm, blobs, { ...policy, password: false }), { responseCode: 0x99d });
      const onlyPassword = { selection: [], password: true, passwordValue: PASSWORD };
      await assert.rejects(unsealData(tpm, blobs, onlyPassword), { responseCode: 0x99d });
    }));

  test('with neither a PCR nor a password the TPM alone is needed', () =>
    leavesNothing(async () => {
      const blobs = await sealData(tpm, SECRET, { selection: [] });
      assert.equal(toHex(await unsealData(tpm, blobs, { selection: [], password: false })), toHex(SECRET));
    }));

  test('a PCR that changes between the policy and the use is no failure', () =>
    leavesNothing(async () => {
      const selection = [{ bank: 'sha256', pcrs: [0] }] as const;
      const blobs = await sealData(tpm, SECRET, { selection });
      let extends3 = 3;
      onPolicyPcr = async () => (extends3-- > 0 ? bench.transport.send(extendOf(10)) : undefined);
      assert.equal(toHex(await unsealData(tpm, blobs, { selection, password: false })), toHex(SECRET));
      assert.equal(extends3, -1);
      onPolicyPcr = undefined;
    }));

  test('another TPM does not unseal, and a changed blob is refused', () =>
    leavesNothing(async () => {
      const selection = [{ bank: 'sha256', pcrs: [0] }] as const;
      const policy = { selection, password: false };
      const blobs = await sealData(tpm, SECRET, { selection });
      const changed = blobs.private.with(60, (blobs.private[60] ?? 0) ^ 1);
      await assert.rejects(unsealData(tpm, { ...blobs, private: changed }, policy), { responseCode: 0x1df });
      const other = await swtpmBench();
      try {
        const otherTpm = new Tpm(other.transport);
        await otherTpm.startup();
        await assert.rejects(unsealData(otherTpm, blobs, policy), { responseCode: 0x1df });
      } finally {
        await other.dispose();
      }
    }));

  test('more than a TPM seals is refused before it is asked', async () => {
    await assert.rejects(sealData(tpm, new Uint8Array(129), { selection: [] }), { code: 'BYTES-LIMIT' });
    const most = await sealData(tpm, new Uint8Array(128).fill(9), { selection: [] });
    assert.equal((await unsealData(tpm, most, { selection: [], password: false })).length, 128);
  });
});
