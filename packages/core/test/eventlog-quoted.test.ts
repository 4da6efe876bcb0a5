import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VerificationError } from '@assay/core/errors';
import { parseEventLog, replayEventLog, verifyEventLog, type VerifiedEventLog } from '@assay/core/eventlog';
import type { HashName } from '@assay/core/hash';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import {
  checkAttestationKey,
  encodeAttest,
  encodePublic,
  parsePublic,
  pcrComposite,
  verifyQuote,
  type BankValues,
  type VerifiedQuote,
} from '@assay/core/tpm';
import { agileLog, eccKey, honestAttest, NONCE, separator, signBy, type ForgedEvent } from '@assay/testkit/forge';
import { ours } from './eventlog-vectors.ts';

const KEY = eccKey();
const AK = checkAttestationKey(parsePublic(encodePublic(KEY.area)), nodeHasher);
const BOOT = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** A verified quote over these values. */
function quoteOver(pcrValues: BankValues): VerifiedQuote {
  const selection = [...pcrValues].map(([bank, values]) => ({
    bank,
    pcrs: [...values.keys()].toSorted((a, b) => a - b),
  }));
  const pcrDigest = pcrComposite(nodeHasher, 'sha256', selection, pcrValues);
  const message = encodeAttest({ ...honestAttest(), attested: { kind: 'quote', selection, pcrDigest } });
  const input = { ak: AK, message, signature: signBy(KEY, message), extraData: NONCE, selection, pcrValues };
  return verifyQuote(input, nodeCrypto);
}

const { bytes, pcrs } = ours();
const LOG = parseEventLog(bytes);

/** The values that the TPM of that guest had. */
function values(banks: readonly HashName[], of: readonly number[] = BOOT): BankValues {
  const inBank = (bank: HashName): (readonly [number, Uint8Array])[] =>
    pcrs.filter((one) => one.bank === bank && of.includes(one.pcr)).map(({ pcr, value }) => [pcr, value]);
  return new Map(banks.map((bank) => [bank, new Map(inBank(bank))]));
}

function changed(bank: HashName, pcr: number, value: Uint8Array): BankValues {
  const own = values([bank]).get(bank) ?? new Map<number, Uint8Array>();
  return new Map([[bank, new Map(own).set(pcr, value)]]);
}

function verify(pcrValues: BankValues, log = LOG): VerifiedEventLog {
  return verifyEventLog(log, quoteOver(pcrValues), nodeHasher);
}

function assertRefused(pcrValues: BankValues, reason: RegExp, log = LOG): void {
  assert.throws(
    () => verify(pcrValues, log),
    (error) => error instanceof VerificationError && error.code === 'BOOT-EVENTLOG' && reason.test(error.message),
  );
}

describe('a boot event log is tied to a quote', () => {
  test('that covers PCR 0 to 9: records, Secure Boot and boot_aggregate are then proved', () => {
    const verified = verify(values(['sha256']));
    assert.equal(verified.bank, 'sha256');
    assert.deepEqual(verified.pcrs, BOOT);
    assert.deepEqual(verified.quirks, []);
    assert.ok(verified.events().length > 10);
    assert.equal(verified.secureBoot()?.variable, 'absent'); // The guest booted without UEFI.
    assert.ok(verified.bootAggregates().some(({ bank, lastPcr }) => bank === 'sha256' && lastPcr === 9));
  });

  test('of several banks, and speaks of the strongest', () => {
    assert.equal(verify(values(['sha1', 'sha512', 'sha256'])).bank, 'sha512');
  });

  test('that covers some of them: of the others nothing is said', () => {
    const verified = verify(values(['sha256'], [0, 4, 10]));
    assert.deepEqual(verified.pcrs, [0, 4]);
    assert.deepEqual(new Set(verified.events().map(({ event }) => event.pcr)), new Set([0, 4]));
    assert.equal(verified.secureBoot(), undefined);
    assert.deepEqual(verified.bootAggregates(), []);
  });

  test('whose order between PCRs is free, since no PCR proves it', () => {
    const byPcr = { ...LOG, events: LOG.events.toSorted((a, b) => b.pcr - a.pcr) };
    assert.deepEqual(verify(values(['sha256']), byPcr).pcrs, BOOT);
  });

  test('though a boot loader extended PCR 8 and kept no log of it: that PCR is not proved', () => {
    assert.deepEqual(
      verify(changed('sha256', 8, new Uint8Array(32).fill(8))).pcrs,
      BOOT.filter((pcr) => pcr !== 8),
    );
  });
});

describe('a boot event log is refused', () => {
  const whole = values(['sha256']);

  test('with a record removed, added, changed or moved within its PCR', () => {
    const of4 = LOG.events.filter(({ pcr }) => pcr === 4);
    const [first, second] = of4;
    assert.ok(first !== undefined && second !== undefined);
    const without = LOG.events.filter((event) => event !== first);
    const exchanged = LOG.events.map((event) => (event === first ? second : event === second ? first : event));
    for (const events of [without, [...LOG.events, first], exchanged]) {
      assertRefused(whole, /PCR 4 of sha256/, { ...LOG, events });
    }
  });

  test('that ends early', () => {
    assertRefused(whole, /does not lead to the quoted value/, { ...LOG, events: LOG.events.slice(0, -2) });
  });

  test('of another boot', () => assertRefused(changed('sha256', 0, new Uint8Array(32).fill(1)), /PCR 0 of sha256/));

  test('where a quoted bank was never extended by the firmware', () => {
    const blank = new Map(BOOT.map((pcr) => [pcr, new Uint8Array(48)]));
    assertRefused(new Map([...whole, ['sha384', blank]]), /PCR 0 of sha384 was never extended/);
  });

  test('where it has no digests of a quoted bank', () => {
    const log = parseEventLog(agileLog(BOOT.slice(0, 8).map((pcr): ForgedEvent => separator(pcr))));
    const sha256 = replayEventLog(nodeHasher, log, 'sha256');
    assert.deepEqual(verify(new Map([['sha256', sha256]]), log).pcrs, BOOT.slice(0, 8));
    const other = values(['sha512']).get('sha512') ?? new Map<number, Uint8Array>();
    assertRefused(
      new Map<HashName, ReadonlyMap<number, Uint8Array>>([
        ['sha256', sha256],
        ['sha512', other],
      ]),
      /no digests/,
      log,
    );
  });

  test('where the quote covers no boot PCR', () => {
    const ima = new Map([['sha256', new Map([[10, new Uint8Array(32).fill(1)]])]] as const);
    assertRefused(ima, /covers no PCR that a boot extends/);
  });
});
