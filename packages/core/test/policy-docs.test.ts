import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LINT_CODES } from '@assay/core/errors';
import { lintText, OPTIONS_6_12 } from './policy-rules.ts';

const PAGE = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8');

interface Row {
  readonly code: string;
  readonly severities: readonly string[];
  readonly fix: boolean;
}

const rows = PAGE.split('\n').flatMap((line): Row[] => {
  const [, code = '', severities = '', fix] = /^\| `(LINT-[A-Z-]+)` \| ([a-z, ]+) \| (yes|no) \|/.exec(line) ?? [];
  return code === '' ? [] : [{ code, severities: severities.split(', '), fix: fix === 'yes' }];
});

test('docs/policy.md has a row for each lint, in the order of the table of codes', () => {
  assert.deepEqual(
    rows.map(({ code }) => code),
    Object.keys(LINT_CODES),
  );
});

/** A policy for each severity of each lint, some of which are found together. */
const POLICIES = [
  'hash\nhash uid=1',
  'hash mask=MAY_APPEND',
  'measure func=FILE_CHECK mask=MAY_READ uid=0',
  'measure',
  'audit fsname=a fsname=b',
  'measure func=KEY_CHECK gid=0',
  'hash func=PATH_CHECK',
  'dont_measure\nmeasure uid=1',
  '# proc\nhash fsmagic=62656572',
  'hash fsmagic=1',
  'dont_measure fsname=tmpfs\nmeasure func=BPRM_CHECK',
  'measure func=BPRM_CHECK fsname=xfs',
  'measure func=MODULE_CHECK\nappraise func=MODULE_CHECK appraise_type=imasig',
  'appraise fowner=0',
  'appraise func=BPRM_CHECK',
];

test('severities and fixes of the lints are those of docs/policy.md', () => {
  const found = POLICIES.flatMap((policy) =>
    lintText(`${policy}\n`, { ...OPTIONS_6_12, version: { major: 7, minor: 2 } }),
  );
  for (const { code, severities, fix } of rows) {
    const same = found.filter((finding) => finding.code === code);
    assert.deepEqual([...new Set(same.map(({ severity }) => severity))].toSorted().toReversed(), severities, code);
    assert.equal(
      same.some((finding) => finding.fix?.safe === true),
      fix,
      code,
    );
  }
});
