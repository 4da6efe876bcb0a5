import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat } from '@assay/core/bytes';
import { encodeBinaryEntry, templateDigest } from '@assay/core/measurement';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { parseAttest } from '@assay/core/tpm';
import { verifyEvidence } from '@assay/core/evidence';
import {
  assertRefused,
  Bench,
  entriesOf,
  forgedRound,
  recordsOf,
  refusalOf,
  verified,
  withList,
} from './evidence-bench.ts';

describe('a question that is not the one that was asked', () => {
  test('other facts than the host bound into the quote: QUOTE-NONCE', async () => {
    const input = await (await Bench.running([])).round();
    for (const fact of ['tpmKind', 'listSource', 'kernel', 'agentVersion'] as const) {
      assertRefused({ ...input, facts: { ...input.facts, [fact]: 'other' } }, 'QUOTE-NONCE');
    }
  });

  test('another session: QUOTE-NONCE', async () => {
    const input = await (await Bench.running([])).round();
    assertRefused({ ...input, session: `${input.session}.` }, 'QUOTE-NONCE');
  });

  test('another nonce: QUOTE-NONCE', async () => {
    const bench = await Bench.running([]);
    assertRefused({ ...(await bench.round()), nonce: (await bench.round()).nonce }, 'QUOTE-NONCE');
  });

  test('the name of another attestation key in the binding: QUOTE-NONCE', async () => {
    const [one, other] = [await Bench.running([]), await Bench.running([])];
    const input = await one.round();
    const relayed = forgedRound(input, () => ({ extraData: parseAttest(input.message).extraData }));
    assertRefused(relayed, 'QUOTE-NONCE');
    assertRefused({ ...input, ak: other.ak }, 'QUOTE-SIGNATURE');
  });
});

describe('a list that the quoted PCR does not prove', () => {
  test('a record whose digest is not that of its data: IMA-TEMPLATE-DIGEST, with the entry', async () => {
    const bench = await Bench.running(['/usr/bin/a', '/usr/bin/b']);
    const input = await bench.round();
    const [first, second, third] = recordsOf(input);
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const changed = withList(input, concat([first, second.with(4, (second[4] ?? 0) ^ 1), third]));
    assertRefused(changed, 'IMA-TEMPLATE-DIGEST');
    const result = verifyEvidence(changed, nodeCrypto);
    assert.deepEqual(result.ok ? [] : result.errors.map(({ place }) => place), [
      { entry: 2, offset: bench.host.list.offsetOf(2) },
    ]);
  });

  test('a record whose data and digest were both changed: IMA-REPLAY', async () => {
    const bench = await Bench.running(['/usr/bin/a', '/usr/bin/b']);
    const input = await bench.round();
    const [first, second, third] = entriesOf(bench);
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const templateData = second.templateData.with(second.templateData.length - 2, 0x7a);
    const renamed = {
      ...second,
      templateData,
      templateDigest: templateDigest(nodeHasher, 'sha256', { ...second, templateData }),
    };
    assertRefused(withList(input, concat([first, renamed, third].map(encodeBinaryEntry))), 'IMA-REPLAY');
  });

  test('a record recorded as a violation that was none, or the other way round: IMA-REPLAY', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    await bench.host.extend(bench.host.list.violate('/var/log/messages'));
    const input = await bench.round();
    const entries = entriesOf(bench);
    const zeroed = entries.map((entry) =>
      entry.number === 2 ? { ...entry, templateDigest: new Uint8Array(32) } : entry,
    );
    const digested = entries.map((entry) => ({
      ...entry,
      templateDigest: templateDigest(nodeHasher, 'sha256', entry),
    }));
    for (const list of [zeroed, digested]) {
      assertRefused(withList(input, concat(list.map(encodeBinaryEntry))), 'IMA-REPLAY');
    }
  });

  const orders: Readonly<Record<string, readonly number[]>> = {
    'without one in the middle': [0, 1, 3],
    'without its last': [0, 1, 2],
    'in another order': [0, 2, 1, 3],
    'with one twice': [0, 1, 1, 2, 3],
    'with none': [],
  };
  for (const [name, order] of Object.entries(orders)) {
    test(`entries ${name}: IMA-REPLAY`, async () => {
      const input = await (await Bench.running(['/usr/bin/a', '/usr/bin/b', '/usr/bin/c'])).round();
      const records = recordsOf(input);
      assertRefused(withList(input, concat(order.map((place) => records[place] ?? new Uint8Array(0)))), 'IMA-REPLAY');
    });
  }

  test('an entry moved to PCR 11, also where the rest leads to the quoted value: IMA-REPLAY', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const input = await bench.round();
    const [first, second] = entriesOf(bench);
    assert.ok(first !== undefined && second !== undefined);
    assertRefused(withList(input, concat([first, { ...second, pcr: 11 }].map(encodeBinaryEntry))), 'IMA-REPLAY');
    const added = encodeBinaryEntry({ ...second, pcr: 11 });
    assertRefused(withList(input, concat([input.list.bytes, added])), 'IMA-REPLAY');
    assertRefused(withList(input, concat([added, input.list.bytes])), 'IMA-REPLAY');
  });

  test('a PCR that something else extended: IMA-REPLAY', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    await bench.host.tpm.extendPcr(10, new Map([['sha256', new Uint8Array(32)]]));
    assertRefused(await bench.round(), 'IMA-REPLAY');
  });

  for (const template of ['ima-new', 'ima', 'n-ng', 'd-ng|d-ng', 'd-ng|xattr']) {
    test(`an entry of template ${template}, which nobody can judge: IMA-TEMPLATE-UNKNOWN`, async () => {
      const input = await (await Bench.running(['/usr/bin/a'])).round();
      const record = { pcr: 10, template, templateDigest: new Uint8Array(32).fill(1), templateData: new Uint8Array(8) };
      assertRefused(withList(input, concat([input.list.bytes, encodeBinaryEntry(record)])), 'IMA-TEMPLATE-UNKNOWN');
    });
  }

  test('records that cannot be read: a FormatError with the place', async () => {
    const input = await (await Bench.running(['/usr/bin/a'])).round();
    const { bytes } = input.list;
    assertRefused(withList(input, bytes.subarray(0, -1)), 'FormatError BYTES-TRUNCATED');
    assertRefused(withList(input, concat([bytes, Uint8Array.of(0)])), 'FormatError BYTES-TRUNCATED');
    assertRefused(withList(input, bytes.with(0, 24)), 'FormatError LIST-PCR');
    assertRefused(withList(input, bytes.with(3, 1)), 'FormatError LIST-PCR');
    assertRefused({ ...input, list: { ...input.list, bank: 'sha1' } }, 'FormatError BYTES-LIMIT');
  });

  test('a list cut off at any byte never passes for the whole one', async () => {
    const input = await (await Bench.running(['/usr/bin/a'])).round();
    const { bytes } = input.list;
    for (let end = 0; end < bytes.length; end++)
      assert.notEqual(refusalOf(withList(input, bytes.subarray(0, end))), null);
  });
});

describe('a list that does not go on from what was kept', () => {
  test('shorter than before in the same boot: IMA-LOG-SHORT', async () => {
    const bench = await Bench.running(['/usr/bin/a', '/usr/bin/b']);
    const kept = await bench.kept();
    const input = await bench.whole(kept);
    const records = recordsOf(input);
    assertRefused(withList(input, concat(records.slice(0, 2))), 'IMA-LOG-SHORT');
    assertRefused(withList(input, new Uint8Array(0)), 'IMA-LOG-SHORT');
  });

  test('whole, but with a quote that covers less than before in the same boot: IMA-LOG-SHORT', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const early = await bench.whole(null);
    await bench.run('/usr/bin/b');
    const kept = await bench.kept();
    const late = forgedRound({ ...early, kept }, () => ({ clock: kept.clock }));
    assertRefused(withList(late, bench.host.list.bytes()), 'IMA-LOG-SHORT');
  });

  test('that begins otherwise than before in the same boot: IMA-REPLAY', async () => {
    const [one, other] = [await Bench.running(['/usr/bin/a']), await Bench.running(['/usr/bin/z', '/usr/bin/y'])];
    const kept = await one.kept();
    const { resetCount, restartCount } = kept;
    const input = forgedRound(await other.whole(kept), () => ({ resetCount, restartCount, clock: kept.clock }));
    assertRefused(input, 'IMA-REPLAY');
    assert.equal(refusalOf({ ...input, kept: null }), null, 'by itself the other list holds');
  });

  test('from a wrong entry or a wrong byte: IMA-LOG-GAP', async () => {
    const bench = await Bench.running(['/usr/bin/a', '/usr/bin/b']);
    const kept = await bench.kept();
    await bench.run('/usr/bin/c');
    const { entries, bytes } = kept;
    const places = [
      { fromEntry: entries, fromOffset: bench.host.list.offsetOf(entries) },
      { fromEntry: entries + 1, fromOffset: bytes - 1 },
      { fromEntry: entries + 1, fromOffset: 0 },
      { fromEntry: entries + 2, fromOffset: bytes },
      { fromEntry: 1, fromOffset: bytes },
    ];
    for (const place of places) assertRefused(await bench.round(kept, place), 'IMA-LOG-GAP');
    assert.equal(verified(await bench.round(kept)).entries.length, 1);
  });

  test('from an entry that is not the next one, as the host has nothing before: IMA-LOG-TRIMMED', async () => {
    const bench = await Bench.running(['/usr/bin/a', '/usr/bin/b']);
    const kept = await bench.kept();
    await bench.run('/usr/bin/c', '/usr/bin/d');
    const next = { fromEntry: kept.entries + 2, fromOffset: bench.host.list.offsetOf(kept.entries + 2) };
    const restarted = { ...kept, restartCount: kept.restartCount - 1, resetCount: kept.resetCount };
    assertRefused(await bench.round(kept, next), 'IMA-LOG-TRIMMED');
    assertRefused(await bench.round(kept, { fromEntry: 1e9, fromOffset: 1e12 }), 'IMA-LOG-TRIMMED');
    assertRefused(await bench.round(restarted, next), 'IMA-LOG-TRIMMED');
    const goesOn = { fromEntry: kept.entries + 1, fromOffset: kept.bytes };
    assertRefused(await bench.round(restarted, goesOn), 'IMA-LOG-GAP');
  });

  test('that has lost its beginning, and is sent as if it began there: IMA-LOG-TRIMMED, whatever was kept', async () => {
    const bench = await Bench.running(['/usr/bin/a', '/usr/bin/b']);
    const kept = await bench.kept();
    for (const known of [kept, null]) {
      const input = await bench.whole(known);
      const left = concat(recordsOf(input).slice(1));
      const result = verifyEvidence(withList(input, left), nodeCrypto);
      const [error] = result.ok ? [] : result.errors;
      assert.equal(error?.code, 'IMA-LOG-TRIMMED');
      assert.match(error.message, known === null ? /nothing of it is proved/ : /the 3 entries that were proved/);
    }
  });

  test('that leads nowhere, or does not continue, on a host that says that entries may be missing: IMA-LOG-TRIMMED', async () => {
    const bench = await Bench.running(['/usr/bin/a', '/usr/bin/b']);
    const kept = await bench.kept();
    await bench.run('/usr/bin/c', '/usr/bin/d');
    const good = await bench.round(kept);
    const [, lacking] = recordsOf(good);
    assert.ok(lacking !== undefined);
    const trimmed = (input: typeof good): typeof good => ({ ...input, list: { ...input.list, trimmed: true } });
    assertRefused(trimmed(withList(good, lacking)), 'IMA-LOG-TRIMMED');
    assertRefused(withList(good, lacking), 'IMA-REPLAY');
    const elsewhere = await bench.round(kept, { fromEntry: 2, fromOffset: bench.host.list.offsetOf(2) });
    assertRefused(trimmed(elsewhere), 'IMA-LOG-TRIMMED');
    assertRefused(elsewhere, 'IMA-LOG-GAP');
    assert.equal(verified(trimmed(good)).state.entries, 5);
    const restarted = { ...kept, restartCount: kept.restartCount - 1 };
    assertRefused(trimmed({ ...good, kept: restarted }), 'IMA-LOG-GAP');
  });

  test('from the middle where nothing was kept: IMA-LOG-TRIMMED', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const place = { fromEntry: 2, fromOffset: bench.host.list.offsetOf(2) };
    assertRefused(await bench.round(null, place), 'IMA-LOG-TRIMMED');
  });

  test('by a clock that went back in the same boot: QUOTE-CLOCK-BACK', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const kept = { ...(await bench.kept()), clock: 1n << 40n };
    assertRefused(await bench.round(kept), 'QUOTE-CLOCK-BACK');
    assertRefused(await bench.whole(kept), 'QUOTE-CLOCK-BACK');
  });

  test('by counters that went back, also where the other one is ahead: QUOTE-CLOCK-BACK', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const kept = await bench.kept();
    const older = { ...kept, resetCount: kept.resetCount + 1 };
    assertRefused(await bench.whole(older), 'QUOTE-CLOCK-BACK');
    const restarted = { ...kept, restartCount: kept.restartCount + 1 };
    assertRefused(await bench.whole(restarted), 'QUOTE-CLOCK-BACK');
    const ahead = forgedRound(await bench.whole(older), () => ({ restartCount: 7, clock: 1n << 40n }));
    assertRefused(ahead, 'QUOTE-CLOCK-BACK');
  });
});
