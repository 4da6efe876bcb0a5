import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { fromHex, toHex } from '@assay/core/bytes';
import {
  AK_ECC_P256,
  command,
  createPrimary,
  EK_RSA_2048,
  EMPTY_PASSWORD,
  encodePublic,
  load,
  NO_SENSITIVE,
  parseAttest,
  pcrExtend,
  quote,
  responseCodeOf,
  TPM_HANDLE,
} from '@assay/core/tpm';
import { Tpm } from '@assay/linux/tpm';
import { SimulatedTpm } from '@assay/testkit/tpm';
import { loadKeys, simulatedBench } from './tpm-bench.ts';
import { tpmBehaviour } from './tpm-behaviour.ts';

tpmBehaviour('simulated', () => simulatedBench());

const NONE = new Uint8Array(0);

async function started(
  options: { seed?: Uint8Array; resetCount?: number } = {},
): Promise<{ chip: SimulatedTpm; tpm: Tpm }> {
  const chip = new SimulatedTpm(options);
  const tpm = new Tpm(chip);
  await tpm.startup();
  return { chip, tpm };
}

describe('the simulated TPM', () => {
  test('says that it is simulated, in its description and by its manufacturer', async () => {
    const { chip, tpm } = await started();
    assert.match(chip.description, /simulated/);
    assert.deepEqual(await tpm.identity(), { manufacturer: 'SIMU', vendor: 'Assay simulated', firmware: '0.1.0.0' });
  });

  test('has the EK that its seed gives, and another for another seed', async () => {
    const ekOf = async (fill: number): Promise<string> => {
      const { tpm } = await started({ seed: new Uint8Array(32).fill(fill) });
      return toHex((await tpm.createEndorsementKey()).public);
    };
    assert.equal(await ekOf(1), await ekOf(1));
    assert.notEqual(await ekOf(1), await ekOf(2));
  });

  test('does not load a key of another TPM', async () => {
    const one = await started();
    const { blobs } = await loadKeys(one.tpm);
    const other = await started();
    const ek = await other.tpm.createEndorsementKey();
    await assert.rejects(other.tpm.loadAttestationKey(ek.handle, blobs), { responseCode: 0x1df });
  });

  test('counts a reset with each TPM2_Startup and gives its state back', async () => {
    const seed = new Uint8Array(32).fill(9);
    const { chip } = await started({ seed, resetCount: 41 });
    assert.deepEqual(chip.state(), { seed: '09'.repeat(32), resetCount: 42 });
  });

  test('has no bank of SHA-512: reading it is TPM-BANK, a quote over it has an empty mask', async () => {
    const { tpm } = await started();
    await assert.rejects(tpm.readPcrs('sha512', [10]), { code: 'TPM-BANK' });
    const { akHandle } = await loadKeys(tpm);
    const { message } = await tpm.quote(akHandle, NONE, [{ bank: 'sha512', pcrs: [10] }]);
    const { attested } = parseAttest(message);
    assert.deepEqual(attested.kind === 'quote' && attested.selection, [{ bank: 'sha512', pcrs: [] }]);
  });

  test('makes no RSA key', async () => {
    const { tpm } = await started();
    const template = {
      inSensitive: NO_SENSITIVE,
      inPublic: encodePublic(EK_RSA_2048),
      outsideInfo: NONE,
      creationPcr: [],
    };
    const attempt = tpm.run(
      command(createPrimary, { primaryHandle: TPM_HANDLE.ENDORSEMENT, ...template }, [EMPTY_PASSWORD]),
    );
    await assert.rejects(attempt, { responseCode: 0x2ca });
  });

  test('answers a tag that no command has as TPM 1.2 would (swtpm itself answers VALUE)', async () => {
    const response = await new SimulatedTpm().send(fromHex('80030000000c0000017b0008'));
    assert.equal(toHex(response), '00c40000000a0000001e');
  });

  test('answers every distorted command with a whole response, and lives on', async () => {
    const { chip, tpm } = await started();
    const { akHandle, ekHandle, blobs } = await loadKeys(tpm);
    const selection = [{ bank: 'sha256', pcrs: [10] }] as const;
    const commands = [
      command(quote, { signHandle: akHandle, qualifyingData: new Uint8Array(32), inScheme: null, selection }, [
        EMPTY_PASSWORD,
      ]),
      command(pcrExtend, { pcr: 10, digests: [{ algorithm: 'sha256', digest: new Uint8Array(32) }] }, [EMPTY_PASSWORD]),
      command(load, { parentHandle: ekHandle, inPrivate: blobs.private, inPublic: encodePublic(AK_ECC_P256) }, [
        EMPTY_PASSWORD,
      ]),
    ].map(({ bytes }) => bytes);
    const distorted = fc.record({
      bytes: fc.constantFrom(...commands),
      changes: fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      length: fc.nat(500),
      keepSize: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(distorted, async ({ bytes, changes, length, keepSize }) => {
        const changed = bytes.slice(0, length);
        for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
        if (!keepSize && changed.length >= 6) new DataView(changed.buffer).setUint32(2, changed.length);
        const response = Buffer.from(await chip.send(changed));
        assert.equal(response.readUInt32BE(2), response.length);
        if (responseCodeOf(response) !== 0) assert.equal(response.length, 10);
      }),
      { numRuns: 2000 },
    );
    assert.equal((await tpm.random(4)).length, 4);
  });
});
