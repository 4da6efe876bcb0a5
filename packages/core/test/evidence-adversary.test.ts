import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { emptyPcr } from '@assay/core/measurement';
import { nodeCrypto } from '@assay/core/node';
import { pcrComposite } from '@assay/core/tpm';
import { assertRefused, Bench, forgedRound, SELECTION, verified, withList } from './evidence-bench.ts';

const { hasher } = nodeCrypto;

// adversary.test.ts tries the forge kit; here is what it takes a TPM for, or another question.

describe('a verifier refuses the PCR selection', () => {
  test('without PCR 10, even where the verifier itself asked for that', async () => {
    const input = await (await Bench.running([])).round();
    const selection = [{ bank: 'sha256', pcrs: [0, 7] }] as const;
    const pcrs = new Map([...input.pcrs].filter(([pcr]) => pcr === 0 || pcr === 7));
    const pcrDigest = pcrComposite(hasher, 'sha256', selection, new Map([['sha256', pcrs]]));
    const forged = forgedRound({ ...input, selection, pcrs }, () => ({
      attested: { kind: 'quote', selection, pcrDigest },
    }));
    assertRefused(forged, 'QUOTE-SELECTION');
  });
});

describe('a verifier refuses the list', () => {
  test('of an active bank that nothing extended: no entry of it counts as covered', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const input = await bench.round();
    const pcrs = new Map(input.pcrs).set(10, emptyPcr('sha256'));
    const pcrDigest = pcrComposite(hasher, 'sha256', [SELECTION], new Map([['sha256', pcrs]]));
    const evidence = verified(
      forgedRound({ ...input, pcrs }, () => ({ attested: { kind: 'quote', selection: [SELECTION], pcrDigest } })),
    );
    assert.deepEqual([evidence.entries, evidence.pending, evidence.state.entries], [[], 2, 0]);
  });

  test('that goes on from the old place after a reset, with entries that look like a continuation', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const kept = await bench.kept();
    const rebooted = await bench.reboot();
    await rebooted.run('/usr/bin/a', '/usr/bin/b');
    assertRefused(await rebooted.round(kept), 'IMA-LOG-GAP');
  });

  test('that goes on from the old place after a restart', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const kept = await bench.kept();
    await bench.run('/usr/bin/b');
    const restarted = forgedRound(await bench.round(kept), ({ restartCount }) => ({ restartCount: restartCount + 1 }));
    assertRefused(restarted, 'IMA-LOG-GAP');
  });

  test('of the old boot, sent whole after a reset', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const kept = await bench.kept();
    const rebooted = await bench.reboot();
    await rebooted.run('/usr/bin/z');
    assertRefused(withList(await rebooted.whole(kept), bench.host.list.bytes()), 'IMA-REPLAY');
  });
});
