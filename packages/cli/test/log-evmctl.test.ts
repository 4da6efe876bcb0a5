import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { concat } from '@assay/core/bytes';
import {
  emptyPcr,
  encodeBinaryEntry,
  replay,
  templateDigest,
  type EntryContent,
  type ExtendRule,
  type MeasurementEntry,
  type TemplateName,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { DEBIAN_EVMCTL, evmctlMissing } from '@assay/testkit/peers';
import fc from 'fast-check';
import {
  assayPcrFile,
  BANKS,
  entriesIn,
  entriesReadByEvmctl,
  entryOf,
  evmctlPcrFile,
  listOf,
  ourAnswer,
  pcrsAfter,
  placeOf,
  violationOf,
  withPcr,
  type Pcrs,
  type Place,
} from './evmctl-lists.ts';
import { assay, ROOT } from './assay.ts';

const skip = evmctlMissing();
/** Tries every offset of the kernels' lists too. */
const EVERY_OFFSET = process.env['ASSAY_EVERY_OFFSET'] === '1';
const OFFSETS_OF_LONG_LISTS = 40;

const directory = mkdtempSync(join(tmpdir(), 'assay-evmctl-'));
after(() => {
  rmSync(directory, { recursive: true });
});
const PCR_FILE = join(directory, 'pcrs');

function writePcrs(pcrs: Pcrs): void {
  writeFileSync(PCR_FILE, assayPcrFile(pcrs));
  for (const bank of BANKS) writeFileSync(`${PCR_FILE}-${bank}`, evmctlPcrFile(pcrs, bank));
}

type Answer = 'accepted' | 'refused';
type Bank = (typeof BANKS)[number];

function writeList(list: Uint8Array, bank: string = 'sha1'): string {
  const path = join(directory, `binary_runtime_measurements_${bank}`);
  writeFileSync(path, list);
  return path;
}

/** What evmctl says of a list and the PCRs written last; a crash accepts nothing. */
function evmctlAnswer(
  list: Uint8Array,
  options: readonly string[] = ['--ignore-violations'],
  banks: readonly Bank[] = BANKS,
): Answer {
  const pcrs = banks.flatMap((bank) => ['--pcrs', `${bank},${PCR_FILE}-${bank}`]);
  const { status } = spawnSync(DEBIAN_EVMCTL, ['ima_measurement', ...options, ...pcrs, writeList(list)], {
    stdio: 'ignore',
  });
  return status === 0 ? 'accepted' : 'refused';
}

const answerOf = (ours: string): Answer => (ours === 'accepted' ? 'accepted' : 'refused');

/** What evmctl takes and we refuse when one byte of a list is changed: where, and with which of our codes. */
const DIFFERENCES = {
  /** No digest covers the name of a template, and evmctl looks for `ima` only. */
  template: {
    ours: /^LIST-TEMPLATE$/,
    at: ({ part }: Place) => part === 'name',
  },
  /** The digest of a violation is zero, so nothing covers its fields, and evmctl does not read them. */
  violation: {
    ours: /^(?:LIST-FIELD|HASH-UNKNOWN|BYTES-TRUNCATED|BYTES-TRAILING)$/,
    at: ({ part, entry }: Place) => part === 'data' && entry.violation,
  },
  /** evmctl stops at the entry at which the PCRs that were extended so far match. */
  unread: {
    ours: /./,
    at: ({ entry }: Place, read: number) => entry.number > read,
  },
} as const;
type Outcome = 'both accepted' | 'both refused' | keyof typeof DIFFERENCES;

interface Good {
  readonly list: Uint8Array;
  readonly entries: readonly MeasurementEntry[];
  readonly pcrs: Pcrs;
  readonly read: number;
}

/** Compares the answers for a list of which one byte is changed. */
function compareChange({ list, entries, pcrs, read }: Good, offset: number): Outcome {
  // Any value but 0; the same in each run.
  const change = 1 + ((offset * 197 + list.length * 31) % 255);
  const bad = list.with(offset, (list[offset] ?? 0) ^ change);
  const [theirs, ours] = [evmctlAnswer(bad), ourAnswer(bad, pcrs)];
  if (theirs === answerOf(ours)) return `both ${theirs}`;
  const place = placeOf(entries, offset);
  const told = `offset ${offset} ^ ${change} (${place?.part}): evmctl ${theirs}, ours ${ours}`;
  assert.ok(place !== undefined && theirs === 'accepted', told);
  const names = ['unread', 'template', 'violation'] as const;
  return (
    names.find((name) => DIFFERENCES[name].at(place, read) && DIFFERENCES[name].ours.test(ours)) ?? assert.fail(told)
  );
}

/** How often each outcome was seen. */
function compareChanges(list: Uint8Array, offsets = everyOffset(list)): ReadonlyMap<Outcome, number> {
  const entries = entriesIn(list);
  const pcrs = pcrsAfter(entries);
  writePcrs(pcrs);
  assert.deepEqual([evmctlAnswer(list), ourAnswer(list, pcrs)], ['accepted', 'accepted']);
  const good = { list, entries, pcrs, read: entriesReadByEvmctl(entries, pcrs) };
  const tally = new Map<Outcome, number>();
  for (const offset of offsets) {
    const outcome = compareChange(good, offset);
    tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
  }
  return tally;
}

const everyOffset = (list: Uint8Array): number[] => Array.from(list, (_, offset) => offset);
const FIRST = entryOf('ima-ng', 'boot_aggregate');
const FILE = entryOf('ima-sig', '/nowhere/a');
const TEMPLATES = ['ima-ng', 'ima-ngv2', 'ima-sig', 'ima-sigv2', 'ima-buf', 'ima-modsig', 'evm-sig'] as const;

describe('where one byte of a list is changed, evmctl and we answer alike', { skip }, () => {
  for (const template of TEMPLATES) {
    test(`template ${template}: every byte counts, but evmctl overlooks its name`, () => {
      const tally = compareChanges(listOf([entryOf(template, '/nowhere/a')]));
      const { length } = listOf([entryOf(template, '/nowhere/a')]);
      assert.deepEqual(Object.fromEntries(tally), {
        template: template.length,
        'both refused': length - template.length,
      });
    });
  }

  test('template ima: every byte counts', () => {
    const list = listOf([entryOf('ima', 'boot_aggregate'), entryOf('ima', '/nowhere/a')]);
    assert.deepEqual(Object.fromEntries(compareChanges(list)), { 'both refused': list.length });
  });

  test('a violation: nothing covers its data, and evmctl takes any', () => {
    const tally = compareChanges(listOf([FIRST, violationOf(entryOf('ima-ng', '/nowhere/written'))]));
    assert.deepEqual([...tally.keys()].toSorted(), ['both accepted', 'both refused', 'template', 'violation']);
  });

  test('entries of a second PCR: evmctl stops reading before them', () => {
    const list = listOf([FIRST, { ...FILE, pcr: 11 }]);
    const { length } = encodeBinaryEntry(FIRST);
    const tally = compareChanges(list);
    assert.equal(tally.get('unread'), list.length - length);
    assert.deepEqual([...tally.keys()].toSorted(), ['both refused', 'template', 'unread']);
  });

  for (const folder of ['ima-ng', 'ima-sig', '6.12-ima']) {
    test(`the list of a kernel in ${folder}`, () => {
      const whole = readFileSync(`${ROOT}packages/core/test/vectors/lists/${folder}/binary_runtime_measurements_sha1`);
      // evmctl takes no list in which template ima stands beside another.
      const list = listOf(entriesIn(whole).filter(({ template }) => (template === 'ima') === (folder === '6.12-ima')));
      const step = EVERY_OFFSET ? 1 : Math.floor(list.length / OFFSETS_OF_LONG_LISTS);
      const offsets = everyOffset(list).filter((offset) => offset % step === 0);
      const tally = compareChanges(list, offsets);
      assert.ok((tally.get('both refused') ?? 0) > offsets.length / 2, JSON.stringify([...tally]));
      assert.ok(!tally.has('unread'));
    });
  }
});

const content = fc
  .record({
    template: fc.constantFrom<TemplateName>(...TEMPLATES),
    name: fc.stringMatching(/^\/nowhere\/[a-z]{1,20}$/),
    pcr: fc.constantFrom(10, 10, 10, 11),
    violation: fc.nat({ max: 5 }).map((dice) => dice === 0),
  })
  .map(({ template, name, pcr, violation }) => {
    const entry = entryOf(template, name, pcr);
    return violation ? violationOf(entry) : entry;
  });

describe('of generated lists, evmctl and we accept the same', { skip }, () => {
  test('with the PCRs at their end or before, in each bank', () => {
    const input = fc.record({ rest: fc.array(content, { maxLength: 8 }), missing: fc.nat(), bank: fc.nat({ max: 2 }) });
    fc.assert(
      fc.property(input, ({ rest, missing, bank }) => {
        const list = listOf([FIRST, ...rest]);
        const entries = entriesIn(list);
        const all = pcrsAfter(entries.slice(0, entries.length - (missing % entries.length)));
        const banks = bank === 2 ? BANKS : BANKS.slice(bank, bank + 1);
        writePcrs(all);
        assert.equal(evmctlAnswer(list, undefined, banks), 'accepted');
        assert.equal(
          ourAnswer(
            list,
            all.filter((one) => banks.some((name) => name === one.bank)),
          ),
          'accepted',
        );
      }),
      { numRuns: 60 },
    );
  });

  test('and neither with another PCR, nor with an entry less', () => {
    const input = fc.record({ rest: fc.array(content, { minLength: 2, maxLength: 6 }), at: fc.nat() });
    fc.assert(
      fc.property(input, ({ rest, at }) => {
        const inPcr10 = rest.map((entry) => ({ ...entry, pcr: 10 }));
        const pcrs = pcrsAfter(entriesIn(listOf([FIRST, ...inPcr10])));
        const other = withPcr(pcrs, 'sha256', 10, new Uint8Array(32).fill(7));
        const index = at % rest.length;
        const refused: [readonly EntryContent[], Pcrs][] = [
          [inPcr10, other],
          [inPcr10.toSpliced(index, 1), pcrs],
        ];
        for (const [contents, values] of refused) {
          const list = listOf([FIRST, ...contents]);
          writePcrs(values);
          assert.deepEqual([evmctlAnswer(list), ourAnswer(list, values)], ['refused', 'PCR']);
        }
      }),
      { numRuns: 40 },
    );
  });
});

const WRITTEN = violationOf(entryOf('ima-ng', '/nowhere/written'));
const LIST = listOf([FIRST, FILE]);
const PCRS = pcrsAfter(entriesIn(LIST));
const WITH_VIOLATION = listOf([FIRST, WRITTEN, FILE]);

/** PCR values where the SHA-256 bank is filled by another rule. */
function filled(list: Uint8Array, rule: ExtendRule): Pcrs {
  const entries = entriesIn(list);
  const { value } = replay(nodeHasher, { bank: 'sha256', pcr: 10, value: emptyPcr('sha256'), rule }, entries);
  return withPcr(pcrsAfter(entries), 'sha256', 10, value);
}

function inSha256(entry: EntryContent): EntryContent {
  return { ...entry, templateDigest: templateDigest(nodeHasher, 'sha256', entry) };
}

interface Case {
  readonly name: string;
  readonly list: Uint8Array;
  readonly pcrs: Pcrs;
  readonly theirs: Answer;
  /** As `ourAnswer` has it. */
  readonly ours: string;
  readonly options?: readonly string[];
  readonly banks?: readonly Bank[];
  readonly bank?: 'sha256';
}

const CASES: readonly Case[] = [
  { name: 'a good list', list: LIST, pcrs: PCRS, theirs: 'accepted', ours: 'accepted' },
  {
    name: 'a list with a violation, for which evmctl needs an option',
    list: WITH_VIOLATION,
    pcrs: pcrsAfter(entriesIn(WITH_VIOLATION)),
    options: [],
    theirs: 'refused',
    ours: 'accepted',
  },
  {
    name: 'a list with padded digests in the SHA-256 bank, of kernels before 5.8',
    list: WITH_VIOLATION,
    pcrs: filled(WITH_VIOLATION, 'padded-sha1'),
    theirs: 'accepted',
    ours: 'accepted',
  },
  {
    name: 'padded digests and whole violations, as later kernels fill a bank of an algorithm that came too late',
    list: WITH_VIOLATION,
    pcrs: filled(WITH_VIOLATION, 'padded-sha1-whole-violations'),
    theirs: 'refused',
    ours: 'accepted',
  },
  {
    name: 'template ima beside another, as kernels write it for keys',
    list: listOf([FIRST, entryOf('ima', '/nowhere/a')]),
    pcrs: pcrsAfter(entriesIn(listOf([FIRST, entryOf('ima', '/nowhere/a')]))),
    theirs: 'refused',
    ours: 'accepted',
  },
  {
    name: 'the list of the SHA-256 bank: evmctl 1.4 reads that of SHA-1 only',
    list: listOf([inSha256(FIRST), inSha256(FILE)]),
    pcrs: PCRS,
    bank: 'sha256',
    theirs: 'refused',
    ours: 'accepted',
  },
  {
    name: 'bytes after the entry at which the PCRs match',
    list: concat([LIST, new Uint8Array(3)]),
    pcrs: PCRS,
    theirs: 'accepted',
    ours: 'BYTES-TRUNCATED',
  },
  {
    name: 'an entry with a wrong digest after the one at which the PCRs match',
    list: listOf([FIRST, FILE, { ...FILE, templateDigest: new Uint8Array(20).fill(1) }]),
    pcrs: PCRS,
    theirs: 'accepted',
    ours: 'IMA-TEMPLATE-DIGEST',
  },
  {
    name: 'a wrong PCR of the SHA-1 bank: evmctl goes by the bank that it compared last',
    list: LIST,
    pcrs: withPcr(PCRS, 'sha1', 10, new Uint8Array(20).fill(7)),
    theirs: 'accepted',
    ours: 'PCR',
  },
  {
    name: 'a wrong PCR for a list of one entry, with the SHA-1 bank alone: evmctl goes by the bank that it did not read',
    list: listOf([FIRST]),
    pcrs: withPcr(PCRS, 'sha1', 10, new Uint8Array(20).fill(7)).filter(({ bank }) => bank === 'sha1'),
    banks: ['sha1'],
    theirs: 'accepted',
    ours: 'PCR',
  },
  {
    name: 'a PCR 10 that no entry explains, beside one that is explained',
    list: listOf([{ ...FILE, pcr: 11 }]),
    pcrs: withPcr(pcrsAfter(entriesIn(listOf([{ ...FILE, pcr: 11 }]))), 'sha1', 10, new Uint8Array(20).fill(7)),
    theirs: 'accepted',
    ours: 'PCR',
  },
  {
    name: 'PCRs of which one was read before an entry and one after it: evmctl wants all at the same entry',
    list: listOf([FIRST, { ...FILE, pcr: 11 }, FILE]),
    pcrs: PCRS,
    theirs: 'refused',
    ours: 'accepted',
  },
  { name: 'no list', list: new Uint8Array(0), pcrs: PCRS, theirs: 'refused', ours: 'LIST-EMPTY' },
];

describe('what evmctl and we are known to answer', { skip }, () => {
  for (const one of CASES) {
    test(`${one.name}: ${one.theirs}, ${one.ours}`, async () => {
      writePcrs(one.pcrs);
      assert.equal(evmctlAnswer(one.list, one.options, one.banks), one.theirs);
      if (one.ours !== 'LIST-EMPTY') assert.equal(ourAnswer(one.list, one.pcrs, one.bank), one.ours);
      const path = writeList(one.list, one.bank);
      const { code, stderr } = await assay(['log', 'verify', path, '--pcrs', PCR_FILE]);
      assert.equal(code, EXIT[one.ours] ?? 3, stderr);
    });
  }
});

const EXIT: Readonly<Record<string, number>> = { accepted: 0, PCR: 1, 'IMA-TEMPLATE-DIGEST': 1 };
