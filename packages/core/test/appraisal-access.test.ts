import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  decideAccess,
  NOTHING_REMEMBERED,
  recordText,
  type AccessedFile,
  type AppraisalMemory,
  type AppraisalRules,
  type AppraisedAccess,
  type AppraiseMode,
  type IntegrityRecord,
  type IntegrityStatus,
  type SignatureVerdict,
} from '@assay/core/appraisal';
import { utf8 } from '@assay/core/bytes';
import type { Demands } from '@assay/core/policy';
import fc from 'fast-check';
import {
  DIGEST,
  fileOf,
  HASH,
  kernelOf,
  MODSIG,
  NO_DEMANDS,
  OF_VERITY,
  SIGNATURE,
  V2,
  V3,
  WRONG,
} from './appraisal-cases.ts';

function rulesOf(change: Partial<AppraisalRules> = {}): AppraisalRules {
  return { actions: new Set(['appraise']), demands: NO_DEMANDS, slot: 'file', ...change };
}

function accessed(change: Partial<AccessedFile>, verdict?: SignatureVerdict): AccessedFile {
  const { isNew, ...file } = fileOf({}, verdict);
  assert.equal(isNew, false);
  return { ...file, collected: DIGEST, ...change };
}

describe('an access', () => {
  const decide = (
    rules: AppraisalRules,
    access: AppraisedAccess,
    file: AccessedFile,
    memory?: AppraisalMemory,
    kernel = kernelOf('6.12'),
  ) => decideAccess(rules, access, file, kernel, memory);

  test('that no rule appraises is allowed without a look at the file', () => {
    const { allowed, records } = decide(rulesOf({ actions: new Set(['measure']) }), {}, accessed({ label: WRONG }));
    assert.deepEqual([allowed, records], [true, []]);
  });

  test('that is only measured is allowed, and recorded where there is nothing to measure', () => {
    const measured = decide(
      rulesOf({ actions: new Set(['measure']) }),
      {},
      accessed({ collected: 'no-verity-digest' }),
    );
    const [told] = measured.records;
    assert.deepEqual([measured.allowed, told?.op, told?.cause], [true, 'collect_data', 'no-verity-digest']);
    const unasked = decide(rulesOf({ actions: new Set() }), {}, accessed({ collected: 'failed' }));
    assert.deepEqual(unasked.records, []);
  });

  test('of a file that has passed is not appraised again, in the same slot', () => {
    const first = decide(rulesOf(), {}, accessed({}));
    assert.deepEqual([...first.memory.passed], ['file']);
    const changed = accessed({ label: WRONG });
    assert.equal(decide(rulesOf(), {}, changed, first.memory).allowed, true);
    assert.equal(decide(rulesOf({ slot: 'bprm' }), {}, changed, first.memory).allowed, false);
  });

  test('demands what any access before demanded, once the content is looked at again', () => {
    const byDigest = accessed({ label: HASH });
    const opened = decide(rulesOf(), {}, byDigest);
    const executed = decide(rulesOf({ slot: 'bprm', demands: SIGNATURE }), {}, byDigest, opened.memory);
    assert.deepEqual([opened.allowed, executed.allowed], [true, false]);
    assert.equal(decide(rulesOf(), {}, byDigest, executed.memory).allowed, true);
    // Labels of Linux 6.12 (suite `labels` of the kernel lab): a writer that closed the file had it looked at again.
    const closed = { ...NOTHING_REMEMBERED, demands: executed.memory.demands };
    const again = decide(rulesOf(), {}, byDigest, closed);
    assert.deepEqual([again.allowed, again.cause], [false, 'IMA-signature-required']);
    assert.equal(decide(rulesOf(), {}, byDigest, NOTHING_REMEMBERED).allowed, true);
  });

  test('demands of what passed no more than it did then, where somebody cannot rely on that', () => {
    const byDigest = accessed({ label: HASH });
    const opened = decide(rulesOf(), {}, byDigest);
    const executed = decide(rulesOf({ slot: 'bprm', demands: SIGNATURE }), {}, byDigest, opened.memory);
    const unproven = { ...executed.memory, passed: new Set<never>() };
    const again = decide(rulesOf(), {}, byDigest, unproven);
    assert.equal(again.allowed, true);
    assert.equal(again.memory.demands.signature, true);
    assert.equal(decide(rulesOf({ slot: 'read' }), {}, byDigest, unproven).allowed, false);
    const failed = decide(rulesOf(), {}, accessed({ label: WRONG }), unproven);
    const mended = decide(rulesOf(), {}, byDigest, failed.memory);
    assert.deepEqual([failed.cause, mended.cause], ['invalid-hash', 'IMA-signature-required']);
  });

  test('adds to the demands also where a rule only measures', () => {
    const measured = decide(
      rulesOf({ actions: new Set(['measure']), demands: { ...NO_DEMANDS, verity: true } }),
      {},
      accessed({}),
    );
    assert.equal(measured.memory.demands.verity, true);
    const unasked = decide(rulesOf({ actions: new Set(), demands: { ...NO_DEMANDS, verity: true } }), {}, accessed({}));
    assert.equal(unasked.memory.demands.verity, false);
  });

  test('that failed, or passed because it was mended, is appraised and recorded again', () => {
    assert.equal(decide(rulesOf(), {}, accessed({ label: WRONG })).memory.passed.size, 0);
    const mended = decide(rulesOf(), {}, accessed({ label: WRONG }), undefined, kernelOf('6.12', 'fix'));
    assert.deepEqual([mended.allowed, mended.memory.passed.size], [true, 0]);
  });

  test('is refused for the algorithm of the label only the first time', () => {
    const rules = rulesOf({ algorithms: ['sha512'] });
    const first = decide(rules, {}, accessed({}));
    assert.deepEqual([first.allowed, first.cause, first.status], [false, 'denied-hash-algorithm', 'pass']);
    assert.equal(decide(rules, {}, accessed({}), first.memory).allowed, true);
  });

  test('to write a signed file is refused without a record, but not to a new one', () => {
    const signed = accessed({ label: V2 });
    const refused = decide(rulesOf(), { writes: true }, signed);
    assert.deepEqual([refused.allowed, refused.cause, refused.records], [false, 'signed-file-written', []]);
    assert.equal(decide(rulesOf(), { writes: true }, signed, refused.memory).allowed, false);
    assert.equal(decide(rulesOf(), { writes: true, creates: true }, signed).allowed, true);
    assert.equal(decide(rulesOf(), { writes: true }, accessed({})).allowed, true);
    assert.equal(decide(rulesOf(), { writes: true }, accessed({ evm: 'pass_immutable' })).allowed, false);
  });

  test('to a digest on the black list is refused before the label is looked at', () => {
    const listed = accessed({ label: V2, isBlacklisted: true });
    const rules = rulesOf({ demands: { ...SIGNATURE, blacklist: true } });
    const { allowed, cause, records } = decide(rules, {}, listed);
    assert.deepEqual([allowed, cause, records], [false, 'blacklisted', []]);
    assert.equal(decide(rulesOf({ demands: SIGNATURE }), {}, listed).allowed, true);
    // Only digests of appended signatures were looked up before 6.6.
    assert.equal(decide(rules, {}, listed, undefined, kernelOf('6.1')).allowed, true);
    const modsig = rulesOf({ demands: { ...MODSIG, blacklist: true } });
    assert.equal(decide(modsig, {}, { ...listed, modsig: 'valid' }, undefined, kernelOf('6.1')).allowed, false);
  });

  test('for which there is no digest fails with the last component of the path in the record', () => {
    for (const collected of ['failed', 'no-verity-digest', 'failed(directio)'] as const) {
      const { allowed, records } = decide(rulesOf(), { isDirect: true }, accessed({ collected }));
      assert.equal(allowed, false);
      assert.deepEqual(
        records.map(({ op, cause, name }) => [op, cause, name]),
        [['collect_data', collected, 'component']],
      );
    }
  });

  test('with O_DIRECT passes where a rule permits it, whatever the label says', () => {
    const rules = rulesOf({ demands: { ...NO_DEMANDS, permitDirectio: true } });
    assert.equal(decide(rules, { isDirect: true }, accessed({ collected: 'failed(directio)' })).allowed, true);
    assert.equal(decide(rules, { isDirect: true }, accessed({ label: WRONG })).allowed, true);
    assert.equal(decide(rules, {}, accessed({ label: WRONG })).allowed, false);
    assert.equal(decide(rules, { isDirect: true }, accessed({ collected: 'no-verity-digest' })).allowed, false);
  });

  test('to map a file for execution that is mapped for writing is refused by rules of MMAP_CHECK', () => {
    const access = { isMappedForWriting: true };
    const refused = decide(rulesOf({ slot: 'mmap' }), access, accessed({}));
    assert.deepEqual([refused.allowed, refused.records[0]?.cause], [false, 'mmapped_writers']);
    const memory = { ...NOTHING_REMEMBERED, passed: new Set(['mmap'] as const) };
    assert.equal(decide(rulesOf({ slot: 'mmap' }), access, accessed({}), memory).allowed, false);
    assert.equal(decide(rulesOf(), access, accessed({})).allowed, true);
  });

  test('that a script interpreter asks for has a record of its own since 6.14', () => {
    const typeIn = (version: string) =>
      decide(rulesOf(), { isExecCheck: true }, accessed({ label: WRONG }), undefined, kernelOf(version)).records[0]
        ?.type;
    assert.deepEqual([typeIn('6.12'), typeIn('6.14')], ['INTEGRITY_DATA', 'INTEGRITY_USERSPACE']);
  });
});

const label = fc.oneof(
  fc.constant(null),
  fc.constant('unreadable' as const),
  fc.constantFrom(HASH, WRONG, V2, V3, OF_VERITY),
  fc.uint8Array({ maxLength: 80 }),
);
const file: fc.Arbitrary<AccessedFile> = fc
  .record({
    label,
    evm: fc.constantFrom<IntegrityStatus>(
      'pass',
      'pass_immutable',
      'fail',
      'fail_immutable',
      'no_label',
      'no_xattrs',
      'unknown',
    ),
    verdict: fc.constantFrom<SignatureVerdict>('valid', 'invalid', 'unknown-key', 'unsupported'),
    empty: fc.boolean(),
    collected: fc.constantFrom(DIGEST, 'failed' as const, 'no-verity-digest' as const, 'failed(directio)' as const),
    isBlacklisted: fc.boolean(),
    unverifiable: fc.constantFrom(undefined, 'trusted-mounter' as const, 'untrusted-mounter' as const),
    hasXattrs: fc.boolean(),
    modsig: fc.constantFrom(undefined, 'valid' as const, 'invalid' as const),
  })
  .map(({ verdict, unverifiable, modsig, ...rest }) => ({
    ...rest,
    signature: () => verdict,
    ...(unverifiable === undefined ? {} : { unverifiable }),
    ...(modsig === undefined ? {} : { modsig }),
  }));
const flag = fc.boolean();
const demands: fc.Arbitrary<Demands> = fc.record({
  signature: flag,
  sigv3: flag,
  modsig: flag,
  blacklist: flag,
  verity: flag,
  permitDirectio: flag,
  failUnverifiable: flag,
});
const rules: fc.Arbitrary<AppraisalRules> = fc.record({
  actions: fc.constantFrom(new Set(['appraise'] as const), new Set(['measure'] as const)),
  demands,
  slot: fc.constantFrom('file', 'mmap', 'bprm', 'creds', 'read'),
});
const access: fc.Arbitrary<AppraisedAccess> = fc.record({
  writes: flag,
  creates: flag,
  isDirect: flag,
  isExecCheck: flag,
  isMappedForWriting: flag,
});
const version = fc.constantFrom('5.4', '5.10', '5.15', '6.1', '6.6', '6.12', '6.14', '7.0', '7.1', '7.2');
const mode = fc.constantFrom<AppraiseMode>('off', 'log', 'fix', 'enforce');

test('whatever is asked, an answer comes; it is a denial in mode enforce alone, and only fix mode writes', () => {
  fc.assert(
    fc.property(rules, access, file, version, mode, (asked, how, what, release, inMode) => {
      const decision = decideAccess(asked, how, what, kernelOf(release, inMode));
      assert.equal(decision.allowed, decision.passes || inMode !== 'enforce');
      assert.ok(decision.passes || decision.cause !== undefined);
      assert.ok(decision.writes.length === 0 || inMode === 'fix');
      const strict = decideAccess(asked, how, what, kernelOf(release, 'enforce'));
      const lenient = decideAccess(asked, how, what, kernelOf(release, 'log'));
      assert.deepEqual({ ...lenient, allowed: strict.allowed }, strict);
    }),
    { numRuns: 500 },
  );
});

test('a rule that demands a signature allows nothing that it would deny without', () => {
  fc.assert(
    fc.property(demands, file, version, (asked, what, release) => {
      const passes = (signature: boolean): boolean => {
        const rule = rulesOf({ demands: { ...asked, signature, sigv3: false, verity: false, blacklist: false } });
        return decideAccess(rule, {}, what, kernelOf(release)).allowed;
      };
      assert.ok(!passes(true) || passes(false));
    }),
    { numRuns: 500 },
  );
});

describe('the text of a record', () => {
  const record: IntegrityRecord = {
    type: 'INTEGRITY_DATA',
    op: 'appraise_data',
    cause: 'missing-hash',
    success: false,
    name: 'path',
  };
  const subject = { pid: 7, uid: 0, comm: utf8('cat'), path: utf8('/mnt/f'), dev: 'vda', inode: 12n };
  test('ends with the error number since 5.9', () => {
    const text =
      'pid=7 uid=0 auid=4294967295 ses=4294967295 op=appraise_data cause=missing-hash comm="cat" name="/mnt/f" dev="vda" ino=12 res=0';
    assert.equal(recordText(record, subject, kernelOf('5.4')), text);
    assert.equal(recordText(record, subject, kernelOf('5.10')), `${text} errno=0`);
  });
  test('has names in hexadecimal that hold a blank, a quotation mark, or what is not printable ASCII', () => {
    for (const [path, shown] of [
      ['/a b', '2F612062'],
      ['/a"', '2F6122'],
      ['/\n', '2F0A'],
      ['/ä', '2FC3A4'],
      ['/~!', '"/~!"'],
      ['', '""'],
    ] as const)
      assert.match(
        recordText(record, { ...subject, path: utf8(path) }, kernelOf('6.12')),
        new RegExp(` name=${shown} dev=`),
      );
  });
  test('names the file as each check does', () => {
    const place = {
      ...subject,
      path: utf8('/mnt/a/f'),
      innerPath: utf8('/a/f'),
      auid: 1000,
      ses: 3,
      subj: 'unconfined',
    };
    const named = (name: IntegrityRecord['name']) => recordText({ ...record, name }, place, kernelOf('6.12'));
    assert.match(named('path'), / name="\/mnt\/a\/f" /);
    assert.match(named('component'), / name="f" /);
    assert.match(named('inner-path'), /^pid=7 uid=0 auid=1000 ses=3 subj=unconfined op=.* name="\/a\/f" /);
  });
});
