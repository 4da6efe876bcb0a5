import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concat, toHex, utf8 } from '@assay/core/bytes';
import { bindingDigest, type EvidenceInput, type VerifiedEvidence } from '@assay/core/evidence';
import { nodeCrypto } from '@assay/core/node';
import { assertRefused, Bench, forgedRound, recordsOf, refusalOf, verified, withList } from './evidence-bench.ts';

const numbers = ({ entries }: VerifiedEvidence): number[] => entries.map(({ number }) => number);

describe('evidence that holds', () => {
  test('of a first round: the whole list, and the state after it', async () => {
    const bench = await Bench.running(['/usr/bin/a', '/usr/bin/b']);
    const input = await bench.round();
    const evidence = verified(input);
    assert.deepEqual([evidence.boot, numbers(evidence), evidence.pending], ['first', [1, 2, 3], 0]);
    const { entries, bytes, pcr, resetCount, restartCount, clock } = evidence.state;
    assert.deepEqual([entries, bytes], [3, input.list.bytes.length]);
    assert.equal(toHex(pcr), toHex(input.pcrs.get(10) ?? new Uint8Array(0)));
    const { quote } = evidence;
    assert.deepEqual(
      [resetCount, restartCount, clock],
      [quote.resetCount, quote.restartCount, quote.attest.clock],
      'the state carries the times of the quote',
    );
  });

  test('of a continued round: only the new entries, numbered and placed in the whole list', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const kept = await bench.kept();
    await bench.run('/usr/bin/b', '/usr/bin/c');
    const evidence = verified(await bench.round(kept));
    assert.deepEqual([evidence.boot, numbers(evidence), evidence.pending], ['same', [3, 4], 0]);
    assert.deepEqual(
      evidence.entries.map(({ offset }) => offset),
      [bench.host.list.offsetOf(3), bench.host.list.offsetOf(4)],
    );
    assert.deepEqual([evidence.state.entries, evidence.state.bytes], [4, bench.host.list.bytes().length]);
  });

  test('of a round without new entries: nothing but a later clock', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const kept = await bench.kept();
    const evidence = verified(await bench.round(kept));
    assert.deepEqual([evidence.boot, numbers(evidence), evidence.pending], ['same', [], 0]);
    assert.deepEqual({ ...evidence.state, clock: 0n }, { ...kept, clock: 0n });
    assert.ok(evidence.state.clock >= kept.clock);
  });

  test('with a list that is longer than the quote: the rest is pending, and covered by the next round', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const input = await bench.round();
    await bench.run('/usr/bin/b', '/usr/bin/c');
    const evidence = verified(withList(input, bench.host.list.bytes()));
    assert.deepEqual([numbers(evidence), evidence.pending, evidence.state.entries], [[1, 2], 2, 2]);
    assert.equal(evidence.state.bytes, input.list.bytes.length);
    assert.deepEqual(numbers(verified(await bench.round(evidence.state))), [3, 4]);
  });

  test('of a full list sent again in the same boot: only what is new, after the old part was compared', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const kept = await bench.kept();
    await bench.run('/usr/bin/b');
    const evidence = verified(await bench.whole(kept));
    assert.deepEqual([evidence.boot, numbers(evidence), evidence.state.entries], ['same', [3], 3]);
    const again = verified(await bench.whole(evidence.state));
    assert.deepEqual([numbers(again), again.state.entries], [[], 3]);
  });

  test('of a new boot by resetCount: the whole list, and nothing of the old', async () => {
    const before = await Bench.running(['/usr/bin/a', '/usr/bin/b']);
    const kept = await before.kept();
    const after = await before.reboot();
    await after.run('/usr/bin/z');
    const evidence = verified(await after.whole(kept));
    assert.deepEqual([evidence.boot, numbers(evidence), evidence.state.entries], ['new', [1, 2], 2]);
    assert.equal(evidence.state.resetCount, kept.resetCount + 1);
  });

  test('of a new boot by restartCount alone, whatever the clock says', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const input = await bench.whole(await bench.kept());
    const restarted = forgedRound(input, ({ restartCount }) => ({ restartCount: restartCount + 1, clock: 0n }));
    const evidence = verified(restarted);
    assert.deepEqual([evidence.boot, numbers(evidence)], ['new', [1, 2]]);
  });

  test('of a reset that starts restartCount again is a new boot', async () => {
    const bench = await Bench.running([]);
    const kept = { ...(await bench.kept()), restartCount: 9 };
    const input = forgedRound(await bench.whole(kept), ({ resetCount }) => ({ resetCount: resetCount + 1 }));
    assert.equal(verified(input).boot, 'new');
  });

  test('of a TPM with another firmware than before holds, and says which it was', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const kept = await bench.kept();
    const changed = verified(forgedRound(await bench.round(kept), () => ({ firmwareVersion: 7n })));
    assert.equal(changed.firmwareBefore, kept.firmwareVersion);
    assert.equal(changed.state.firmwareVersion, 7n);
    assert.equal(verified(await bench.round(kept)).firmwareBefore, undefined);
  });

  test('with a clock that the TPM does not call safe, since that is no failure by itself', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const kept = await bench.kept();
    const evidence = verified(forgedRound(await bench.round(kept), () => ({ safe: false })));
    assert.deepEqual([evidence.boot, evidence.quote.safe], ['same', false]);
  });

  for (const bank of ['sha1', 'sha384', 'sha512'] as const) {
    test(`with a list of the ${bank} bank, replayed to the SHA-256 PCR, a violation in it`, async () => {
      const bench = await Bench.running(['/usr/bin/a'], { bank });
      await bench.host.extend(bench.host.list.violate('/var/log/messages'));
      const evidence = verified(await bench.round());
      assert.deepEqual(
        evidence.entries.map(({ violation }) => violation),
        [false, false, true],
      );
      await bench.run('/usr/bin/b');
      assert.deepEqual(numbers(verified(await bench.round(evidence.state))), [4]);
    });
  }

  test('is made by verifyEvidence alone', () => {
    type Look = Pick<VerifiedEvidence, 'boot' | 'entries' | 'pending' | 'state' | 'quote'>;
    // @ts-expect-error: what has all members of evidence is none, because its class keeps the quote in a private field
    const take = (look: Look): VerifiedEvidence => look;
    assert.equal(typeof take, 'function');
  });
});

describe('a single flipped bit', () => {
  const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
    bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
  const refusesAll = (bytes: Uint8Array, changed: (flipped: Uint8Array) => EvidenceInput): void => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      assert.notEqual(refusalOf(changed(flip(bytes, bit))), null, `bit ${bit} of ${bytes.length * 8}`);
    }
  };

  test('in the quote, its signature or any PCR value is refused', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    const input = await bench.round();
    assert.equal(refusalOf(input), null);
    refusesAll(input.message, (message) => ({ ...input, message }));
    refusesAll(input.signature, (signature) => ({ ...input, signature }));
    for (const [pcr, value] of input.pcrs) {
      const bit = (pcr * 23) % 256;
      assertRefused({ ...input, pcrs: new Map(input.pcrs).set(pcr, flip(value, bit)) }, 'QUOTE-PCR-DIGEST');
    }
  });

  for (const bank of ['sha1', 'sha256'] as const) {
    test(`in a list of the ${bank} bank is refused, in the entries that the quote covers and in those after them`, async () => {
      const bench = await Bench.running(['/usr/bin/a', '/usr/bin/b'], { bank });
      const input = await bench.round();
      await bench.run('/usr/bin/c');
      const list = bench.host.list.bytes();
      assert.equal(verified(withList(input, list)).pending, 1);
      refusesAll(list, (flipped) => withList(input, flipped));
    });
  }

  test('in the name of a violation goes unseen, because the kernel records no digest of it: it is a hint', async () => {
    const bench = await Bench.running(['/usr/bin/a']);
    await bench.host.extend(bench.host.list.violate('/var/log/messages'));
    const input = await bench.round();
    const at = Buffer.from(input.list.bytes).indexOf('/var/log');
    const evidence = verified(withList(input, flip(input.list.bytes, at * 8 + 8)));
    assert.equal(evidence.entries.at(-1)?.violation, true);
  });
});

describe('what a list says in any other order', () => {
  test('is refused, unless it begins with the list as it is', async () => {
    const bench = await Bench.running(['/usr/bin/a', '/usr/bin/b', '/usr/bin/c', '/usr/bin/d']);
    const input = await bench.round();
    const records = recordsOf(input);
    const whole = records.map((_, index) => index);
    const places = fc.array(fc.nat(records.length - 1), { maxLength: 8 });
    fc.assert(
      fc.property(places, (order) => {
        const changed = withList(input, concat(order.map((place) => records[place] ?? utf8(''))));
        const begins = whole.every((place, index) => order[index] === place);
        return (refusalOf(changed) === null) === begins;
      }),
      { examples: [[[...whole, 0]], [whole.toReversed()], [[]]] },
    );
  });
});

describe('bindingDigest', () => {
  const texts = fc.record({
    tpmKind: fc.string(),
    listSource: fc.string(),
    kernel: fc.string(),
    agentVersion: fc.string(),
  });
  const bytes = fc.uint8Array({ maxLength: 40 });
  const bindings = fc.record({ nonce: bytes, session: fc.string(), akName: bytes, facts: texts });
  const hex = (binding: Parameters<typeof bindingDigest>[1]): string =>
    toHex(bindingDigest(nodeCrypto.hasher, binding));

  test('is the SHA-256 of the parts with their lengths in front', () => {
    const facts = { tpmKind: 'simulated', listSource: 'engine', kernel: '6.12', agentVersion: '0.1.0' };
    const binding = { nonce: new Uint8Array(32).fill(1), session: 's', akName: Uint8Array.of(0, 11), facts };
    const parts = ['assay evidence v1', binding.nonce, 's', binding.akName, 'simulated', 'engine', '6.12', '0.1.0'];
    const framed = parts.flatMap((part) => {
      const content = Buffer.from(part);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(content.length);
      return [length, content];
    });
    assert.equal(hex(binding), toHex(nodeCrypto.hasher.digest('sha256', Buffer.concat(framed))));
  });

  test('differs for any two different bindings, and is the same for equal ones', () => {
    fc.assert(
      fc.property(bindings, bindings, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        return (hex(one) === hex(other)) === same && hex(one) === hex(structuredClone(one));
      }),
    );
  });

  test('differs when a character moves from one part to the next', () => {
    const facts = { tpmKind: 'ab', listSource: 'c', kernel: '', agentVersion: '' };
    const binding = { nonce: new Uint8Array(32), session: 's', akName: new Uint8Array(34), facts };
    assert.notEqual(hex(binding), hex({ ...binding, facts: { ...facts, tpmKind: 'a', listSource: 'bc' } }));
  });
});
