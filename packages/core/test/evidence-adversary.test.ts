import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, fromHex, toBase64, toHex, utf8 } from '@assay/core/bytes';
import { bindingDigest } from '@assay/core/evidence';
import { emptyPcr } from '@assay/core/measurement';
import { nodeCrypto } from '@assay/core/node';
import { pcrComposite, type ParsedAttest, type PcrSelection } from '@assay/core/tpm';
import { assertRefused, Bench, FORGER, forgedRound, SELECTION, verified, withList } from './evidence-bench.ts';

const { hasher } = nodeCrypto;

describe('a verifier refuses the nonce', () => {
  test('of a quote that was answered before', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const first = await bench.round();
    const { state } = verified(first);
    const { nonce, session } = await bench.round(state);
    assertRefused({ ...first, nonce, session, kept: state }, 'QUOTE-NONCE');
  });

  test('with a byte added, cut to its beginning or end, filled with zeros, or empty', async () => {
    const input = await (await Bench.running([])).round();
    const forms: readonly ((asked: Uint8Array) => Uint8Array)[] = [
      (asked) => concat([asked, Uint8Array.of(0)]),
      (asked) => concat([Uint8Array.of(0), asked]),
      (asked) => asked.subarray(0, 16),
      (asked) => asked.subarray(16),
      (asked) => concat([asked.subarray(0, 16), new Uint8Array(16)]),
      () => new Uint8Array(0),
    ];
    for (const form of forms) {
      assertRefused(
        forgedRound(input, ({ extraData }) => ({ extraData: form(extraData) })),
        'QUOTE-NONCE',
      );
    }
  });

  test('that was given to another host, though both hosts are honest', async () => {
    const [one, other] = [await Bench.running([]), await Bench.running([])];
    const [mine, theirs] = [await one.round(), await other.round()];
    assertRefused({ ...mine, nonce: theirs.nonce, session: theirs.session }, 'QUOTE-NONCE');
  });

  test('signed bare, without session, key and facts', async () => {
    const input = await (await Bench.running([])).round();
    assertRefused(
      forgedRound(input, () => ({ extraData: input.nonce })),
      'QUOTE-NONCE',
    );
  });

  test('written as text', async () => {
    const input = await (await Bench.running([])).round();
    for (const text of [toBase64, toHex]) {
      assertRefused(
        forgedRound(input, ({ extraData }) => ({ extraData: utf8(text(extraData)).subarray(0, 64) })),
        'QUOTE-NONCE',
      );
    }
  });

  test('in a binding to another key of the same host', async () => {
    const input = await (await Bench.running([])).round();
    const { nonce, session, facts } = input;
    const akName = fromHex(`000b${'11'.repeat(32)}`);
    const extraData = bindingDigest(hasher, { nonce, session, akName, facts });
    assert.notDeepEqual(akName, FORGER.ak.name);
    assertRefused(
      forgedRound(input, () => ({ extraData })),
      'QUOTE-NONCE',
    );
  });
});

describe('a verifier refuses the PCR selection', () => {
  const others: Readonly<Record<string, readonly PcrSelection[]>> = {
    'of fewer PCRs': [{ bank: 'sha256', pcrs: [10] }],
    'of more PCRs': [{ bank: 'sha256', pcrs: [...SELECTION.pcrs, 11] }],
    'of PCR 16, which the host can reset, in place of PCR 10': [
      { bank: 'sha256', pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16] },
    ],
    'of PCR 17 to 23 beside those asked for': [
      { bank: 'sha256', pcrs: [...SELECTION.pcrs, 17, 18, 19, 20, 21, 22, 23] },
    ],
    'of another bank': [{ bank: 'sha1', pcrs: SELECTION.pcrs }],
    'of a bank that is not active: an empty mask': [{ bank: 'sha256', pcrs: [] }],
    'of nothing': [],
    'of one bank twice': [SELECTION, SELECTION],
    'split into two parts of one bank': [
      { bank: 'sha256', pcrs: [10] },
      { bank: 'sha256', pcrs: SELECTION.pcrs.slice(0, -1) },
    ],
    'of another bank beside the one asked for': [SELECTION, { bank: 'sha1', pcrs: [10] }],
  };
  for (const [name, selection] of Object.entries(others)) {
    test(name, async () => {
      const input = await (await Bench.running(['/usr/bin/a'])).round();
      const values = new Map(Array.from({ length: 24 }, (_, pcr) => [pcr, input.pcrs.get(pcr) ?? new Uint8Array(32)]));
      const banks = new Map([
        ['sha256', values],
        ['sha1', new Map(Array.from(values, ([pcr, value]) => [pcr, value.subarray(0, 20)]))],
      ] as const);
      const pcrDigest = pcrComposite(hasher, 'sha256', selection, banks);
      const forged = forgedRound(input, () => ({ attested: { kind: 'quote', selection, pcrDigest } }));
      assertRefused(forged, 'QUOTE-SELECTION');
    });
  }

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

describe('a verifier refuses the PCR values', () => {
  const changes: Readonly<Record<string, (values: Map<number, Uint8Array>) => unknown>> = {
    'with one too many': (values) => values.set(11, new Uint8Array(32)),
    'with one missing': (values) => values.delete(7),
    'with one in place of another': (values) => values.delete(7) && values.set(11, new Uint8Array(32)),
    'with one of 20 bytes': (values) => values.set(10, new Uint8Array(20)),
    'with one of 33 bytes': (values) => values.set(10, new Uint8Array(33)),
    'with the right ones under each other’s numbers': (values) => {
      const [seven, ten] = [values.get(7), values.get(10)];
      assert.ok(seven !== undefined && ten !== undefined);
      values.set(7, ten).set(10, seven);
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    test(name, async () => {
      const input = await (await Bench.running(['/usr/bin/a'])).round();
      const pcrs = new Map(input.pcrs);
      change(pcrs);
      assertRefused({ ...input, pcrs }, 'QUOTE-PCR-DIGEST');
    });
  }

  test('behind a digest by another hash than the signature’s', async () => {
    const input = await (await Bench.running([])).round();
    const pcrDigest = pcrComposite(hasher, 'sha384', [SELECTION], new Map([['sha256', input.pcrs]]));
    const forged = forgedRound(input, () => ({ attested: { kind: 'quote', selection: [SELECTION], pcrDigest } }));
    assertRefused(forged, 'QUOTE-PCR-DIGEST');
  });
});

describe('a verifier refuses the times', () => {
  const back: Readonly<Record<string, (attest: ParsedAttest) => Partial<ParsedAttest>>> = {
    'of an earlier boot': ({ resetCount }) => ({ resetCount: resetCount - 1, restartCount: 5, clock: 1n << 40n }),
    'of an earlier restart': ({ restartCount }) => ({ restartCount: restartCount - 1, clock: 1n << 40n }),
    'of the same boot with an earlier clock, as a restored snapshot has it': () => ({ clock: 0n }),
  };
  for (const [name, change] of Object.entries(back)) {
    test(name, async () => {
      const bench = await Bench.running(['/usr/bin/a']);
      const times = () => ({ resetCount: 3, restartCount: 1, clock: 50n });
      const { state } = verified(forgedRound(await bench.round(), times));
      const later = forgedRound(await bench.round(state), (now) => ({ ...times(), ...change({ ...now, ...times() }) }));
      assertRefused(later, 'QUOTE-CLOCK-BACK');
    });
  }
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
