// Every forgery of the kit, by the number of its case in docs/adversary.md.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { AssayError, FormatError } from '@assay/core/errors';
import { parseEventLog, verifyEventLog, type ParsedEventLog, type VerifiedEventLog } from '@assay/core/eventlog';
import { verifyEkCertificate, verifyEvidence, type VerifiedEvidence } from '@assay/core/evidence';
import type { HashName } from '@assay/core/hash';
import { parseCertificate } from '@assay/core/keys';
import { nodeCrypto, nodeSignatures } from '@assay/core/node';
import {
  checkAttestationKey,
  checkEndorsementKey,
  encodeAttest,
  encodePublic,
  parsePublic,
  pcrComposite,
  verifyQuote,
  type BankValues,
  type PcrSelection,
  type VerifiedQuote,
} from '@assay/core/tpm';
import { judgeEntries } from '@assay/core/verdict';
import {
  ADVERSARY,
  eccKey,
  endorsementAttacks,
  endorsementsToAccept,
  eventLogAttacks,
  eventLogsToAccept,
  honestAttest,
  NONCE,
  quoteAttacks,
  quotesToAccept,
  roundAttacks,
  roundsToAccept,
  signBy,
  truncations,
  type EndorsementBundle,
  type EventLogBundle,
  type ExpectedValue,
  type ForgedCase,
  type QuoteBundle,
  type RoundBundle,
} from '@assay/testkit/forge';

interface Tried {
  readonly number: number;
  readonly name: string;
  readonly answer: string;
  /** What the verifier answers: throws, or `accept`, or another word. */
  readonly verify: () => string;
}

const akOf = (bytes: Uint8Array) => checkAttestationKey(parsePublic(bytes), nodeCrypto.hasher);

function banksOf(values: readonly ExpectedValue[]): BankValues {
  const banks = new Map<HashName, Map<number, Uint8Array>>();
  for (const { bank, pcr, value } of values) {
    banks.set(bank, (banks.get(bank) ?? new Map<number, Uint8Array>()).set(pcr, value));
  }
  return banks;
}

function selectionOf(banks: BankValues): PcrSelection[] {
  return [...banks].map(([bank, values]) => ({ bank, pcrs: [...values.keys()].toSorted((a, b) => a - b) }));
}

function verifyQuoteBundle({ akPublic, message, signature, nonce, pcrs }: QuoteBundle): string {
  const pcrValues = banksOf(pcrs);
  const selection = [...pcrValues].map(([bank, values]) => ({ bank, pcrs: [...values.keys()] }));
  verifyQuote({ ak: akOf(akPublic), message, signature, extraData: nonce, selection, pcrValues }, nodeCrypto);
  return 'accept';
}

function verifyRound({ akPublic, ...round }: RoundBundle): string {
  const kept = structuredClone(round.kept);
  const result = verifyEvidence({ ak: akOf(akPublic), ...round }, nodeCrypto);
  assert.deepEqual(round.kept, kept, 'what was kept stays as it was');
  if (result.ok) return findingOf(result.evidence);
  const [first] = result.errors;
  throw first ?? new TypeError('refused without a reason');
}

/** What the verdict holds against the list, once it is proved. */
function findingOf({ entries, pcrs }: VerifiedEvidence): string {
  const context = { host: 'web-03', reference: null, bootPcrs: pcrs, hasher: nodeCrypto.hasher };
  return judgeEntries(entries, context).find(({ finding }) => finding !== undefined)?.finding?.code ?? 'accept';
}

function verifyEndorsement({ ekPublic, certificate, intermediates, roots, now }: EndorsementBundle): string {
  const ek = checkEndorsementKey(parsePublic(ekPublic));
  const authorities = { sent: intermediates.map(parseCertificate), known: [], anchors: roots.map(parseCertificate) };
  verifyEkCertificate({ ek, certificate: parseCertificate(certificate), ...authorities, now }, nodeSignatures);
  return 'accept';
}

const KEY = eccKey();

function quoteOver(values: readonly ExpectedValue[]): VerifiedQuote {
  const pcrValues = banksOf(values);
  const selection = selectionOf(pcrValues);
  const pcrDigest = pcrComposite(nodeCrypto.hasher, 'sha256', selection, pcrValues);
  const message = encodeAttest({ ...honestAttest(), attested: { kind: 'quote', selection, pcrDigest } });
  const input = { message, signature: signBy(KEY, message), extraData: NONCE, selection, pcrValues };
  return verifyQuote({ ak: akOf(encodePublic(KEY.area)), ...input }, nodeCrypto);
}

/** What cannot be concluded from a log that leads to its PCR values. */
const CONCLUSIONS: Readonly<Record<string, (verified: VerifiedEventLog, log: ParsedEventLog) => boolean>> = {
  'secure-boot-unknown': (verified) => verified.secureBoot()?.state === 'unknown',
  'command-line-unknown': (verified) => verified.commandLine().state === 'unknown',
  'not-proved': (verified, { events }) => coverageOfEvent(verified, events.length) !== 'all',
};

/** `unmeasured` where the record is not among those that are proved. */
function coverageOfEvent(verified: VerifiedEventLog, number: number): string {
  return verified.events().find(({ event }) => event.number === number)?.coverage.covers ?? 'unmeasured';
}

function verifyLog({ log, pcrs }: EventLogBundle, answer: string): string {
  const parsed = parseEventLog(log);
  const verified = verifyEventLog(parsed, quoteOver(pcrs), nodeCrypto.hasher);
  return CONCLUSIONS[answer]?.(verified, parsed) === true ? answer : 'accept';
}

function tried<B>(cases: readonly ForgedCase<B>[], verify: (bundle: B, answer: string) => string): Tried[] {
  return cases.map(({ bundle, ...one }) => ({ ...one, verify: () => verify(bundle, one.answer) }));
}

const KIT: Readonly<Record<string, readonly Tried[]>> = {
  quoteAttacks: tried(quoteAttacks(), verifyQuoteBundle),
  quotesToAccept: tried(quotesToAccept(), verifyQuoteBundle),
  truncations: tried(truncations(), verifyQuoteBundle),
  roundAttacks: tried(roundAttacks(), verifyRound),
  roundsToAccept: tried(roundsToAccept(), verifyRound),
  endorsementAttacks: tried(endorsementAttacks(), verifyEndorsement),
  endorsementsToAccept: tried(endorsementsToAccept(), verifyEndorsement),
  eventLogAttacks: tried(eventLogAttacks(), verifyLog),
  eventLogsToAccept: tried(eventLogsToAccept(), verifyLog),
};

function answerOf({ verify, answer }: Tried): string {
  try {
    return verify();
  } catch (error) {
    assert.ok(error instanceof AssayError, String(error));
    return answer === 'unreadable' && error instanceof FormatError ? answer : error.code;
  }
}

const ALL = Object.entries(KIT).flatMap(([maker, cases]) => cases.map((one) => ({ ...one, maker })));

for (const { number, title, answers, kit } of ADVERSARY) {
  const mine = ALL.filter((one) => one.number === number);
  if (kit.length === 0) continue;
  describe(`case ${number}: ${title}`, () => {
    for (const [name, cases] of Map.groupBy(mine, (one) => (one.maker === 'truncations' ? 'cut anywhere' : one.name))) {
      test(`${name}: ${cases[0]?.answer}`, () => {
        for (const one of cases) assert.equal(answerOf(one), one.answer, one.name);
      });
    }

    test('is made and answered as the table says', () => {
      assert.deepEqual(new Set(mine.map(({ maker }) => maker)), new Set(kit));
      assert.deepEqual(new Set(mine.map(({ answer }) => answer)), new Set(answers));
    });
  });
}

describe('what is right is accepted', () => {
  for (const one of ALL.filter(({ number }) => number === 0)) {
    test(one.name, () => assert.equal(answerOf(one), 'accept'));
  }
});

test('each case has a test that names it', () => {
  const packages = new URL('../../', import.meta.url);
  for (const { number, kit, tests } of ADVERSARY) {
    assert.ok(number === 32 || kit.length + tests.length > 0, `case ${number} is tried nowhere`);
    for (const file of tests) {
      const url = new URL(file, packages);
      assert.ok(existsSync(url), file);
      assert.match(readFileSync(url, 'utf8'), new RegExp(`test\\([\`']case ${number}: `), `${file}, case ${number}`);
    }
  }
});
