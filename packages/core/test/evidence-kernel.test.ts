import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { concat, fromHex } from '@assay/core/bytes';
import { verifyEvidence, type EvidenceInput } from '@assay/core/evidence';
import { encodeBinaryEntry, firstForgedDigest, parseBinaryList } from '@assay/core/measurement';
import { nodeCrypto } from '@assay/core/node';
import { pcrComposite } from '@assay/core/tpm';
import { judgeEntries } from '@assay/core/verdict';
import { assertRefused, Bench, forgedRound, SELECTION, verified, withList } from './evidence-bench.ts';

const { hasher } = nodeCrypto;
const vector = (name: string): Buffer => readFileSync(new URL(`vectors/${name}`, import.meta.url));

/** The values that sysfs of that kernel showed. */
function kernelPcrs(folder: string): Map<number, Uint8Array> {
  const lines = vector(`lists/${folder}/pcr-sha256.txt`).toString().trim().split('\n');
  const all = lines
    .map((line) => line.trim().split(/\s+/))
    .map(([pcr, hex]) => [Number(pcr), fromHex(hex ?? '')] as const);
  return new Map(all.filter(([pcr]) => SELECTION.pcrs.includes(pcr)));
}

/** A round about the list and the PCRs of a kernel, signed by a key in software. */
async function kernelRound(folder: string, bank: 'sha1' | 'sha256'): Promise<EvidenceInput> {
  const pcrs = kernelPcrs(folder);
  const pcrDigest = pcrComposite(hasher, 'sha256', [SELECTION], new Map([['sha256', pcrs]]));
  const bytes = vector(`lists/${folder}/binary_runtime_measurements_${bank}`);
  const input = { ...(await (await Bench.running([])).round()), pcrs };
  const forged = forgedRound(input, () => ({ attested: { kind: 'quote', selection: [SELECTION], pcrDigest } }));
  return { ...forged, list: { bank, fromEntry: 1, fromOffset: 0, bytes } };
}

/** What is found in each, apart from its files. The kernel of `ima-ng` ran with ima_hash=sha1. */
const FOUND = {
  'ima-sig': ['IMA-VIOLATION-TOMTOU', 'IMA-VIOLATION-TOMTOU'],
  'ima-ng': ['BOOT-AGGREGATE', 'IMA-VIOLATION-TOMTOU', 'IMA-VIOLATION-TOMTOU'],
} as const;

describe('the list and the PCRs of a 6.12 kernel', () => {
  for (const [folder, found] of Object.entries(FOUND)) {
    for (const bank of ['sha1', 'sha256'] as const) {
      test(`${folder}, bank ${bank}: the whole list leads to the kernel's PCR 10, and is judged`, async () => {
        const input = await kernelRound(folder, bank);
        const evidence = verified(input);
        assert.deepEqual([evidence.pending, evidence.state.bytes], [0, input.list.bytes.length]);
        const context = { host: 'vm', reference: null, bootPcrs: evidence.pcrs, hasher };
        const judgements = judgeEntries(evidence.entries, context);
        assert.deepEqual(
          judgements.flatMap(({ finding }) => finding?.code ?? []),
          found,
        );
        const judged = judgements.filter(({ status }) => status !== 'unjudged').map(({ status }) => status);
        assert.deepEqual(judged, ['boot-aggregate', 'violation', 'violation']);
      });
    }
  }

  test('in two rounds at any place give the same state as in one', async () => {
    const input = await kernelRound('ima-sig', 'sha256');
    const { entries } = parseBinaryList(input.list.bytes, { bank: 'sha256' });
    const whole = verified(input).state;
    for (const { number, offset } of entries.slice(1)) {
      const part = input.list.bytes.subarray(offset);
      const start = verified(partial(input, offset)).state;
      assert.deepEqual([start.entries, start.bytes], [number - 1, offset]);
      const list = { ...input.list, fromEntry: number, fromOffset: offset, bytes: part };
      assert.deepEqual(verified({ ...input, list, kept: start }).state, whole);
    }
  });

  /** The same boot, when its list had so many bytes: PCR 10 as it was then. */
  function partial(input: EvidenceInput, bytes: number): EvidenceInput {
    const head = input.list.bytes.subarray(0, bytes);
    const pcrs = new Map(input.pcrs).set(10, softwarePcr10(head));
    const pcrDigest = pcrComposite(hasher, 'sha256', [SELECTION], new Map([['sha256', pcrs]]));
    const forged = forgedRound({ ...input, pcrs }, () => ({
      attested: { kind: 'quote', selection: [SELECTION], pcrDigest },
    }));
    return withList(forged, head);
  }

  /** PCR 10 by the rule of the kernel's documentation, written apart from the code that is tested. */
  function softwarePcr10(list: Uint8Array): Uint8Array {
    let pcr: Uint8Array = new Uint8Array(32);
    for (const { templateDigest } of parseBinaryList(list, { bank: 'sha256' }).entries) {
      const zero = templateDigest.every((byte) => byte === 0);
      pcr = hasher.digest('sha256', pcr, zero ? new Uint8Array(32).fill(0xff) : templateDigest);
    }
    return pcr;
  }
});

describe('the list of a 6.1 kernel that measures with every template', () => {
  const bytes = vector('lists/every-template/binary_runtime_measurements_sha1');
  /** Where record 8 begins, which is of the template `ima`. */
  const unread = 3616;

  test('is refused at its first entry of a template that is not read here', async () => {
    const input = await kernelRound('ima-sig', 'sha1');
    assertRefused(withList(input, bytes), 'IMA-TEMPLATE-UNKNOWN');
    const result = verifyEvidence(withList(input, bytes), nodeCrypto);
    assert.deepEqual(result.ok ? [] : result.errors.map(({ place }) => place), [{ entry: 8, offset: unread }]);
  });

  test('is read up to that entry, with right digests, and written again byte for byte', () => {
    const { entries } = parseBinaryList(bytes.subarray(0, unread), { bank: 'sha1' });
    assert.equal(firstForgedDigest(hasher, 'sha1', entries), undefined);
    assert.deepEqual(Buffer.from(concat(entries.map(encodeBinaryEntry))), bytes.subarray(0, unread));
  });

  test('begins with the boot_aggregate of the PCR values that its TPM quoted', () => {
    const values = vector('quote/akp.pcrs').subarray(20); // PCR 10 of the SHA-1 bank stands in front.
    const bootPcrs = new Map(SELECTION.pcrs.map((pcr) => [pcr, values.subarray(32 * pcr, 32 * pcr + 32)]));
    const { entries } = parseBinaryList(bytes.subarray(0, unread), { bank: 'sha1' });
    const [first] = judgeEntries(entries, { host: 'vm', reference: null, bootPcrs, hasher });
    assert.deepEqual(first, { number: 1, status: 'boot-aggregate' });
  });
});
