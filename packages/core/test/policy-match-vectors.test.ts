import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ACCESS, evaluate, plainSubject, type PolicyEvent } from '@assay/core/policy';
import { FILE, policyOf, READ } from './policy-events.ts';
import { OPTIONS_6_12 } from './policy-rules.ts';

const { MAY_APPEND, MAY_EXEC, MAY_READ, MAY_WRITE } = ACCESS;

function vectors(name: string): string {
  return readFileSync(new URL(`vectors/policy/match-6.12/${name}`, import.meta.url), 'utf8');
}

type Hook = Pick<PolicyEvent, 'func' | 'mask'> & Partial<Pick<PolicyEvent, 'subject'>>;

const open = (mask: number): Hook => ({ func: 'FILE_CHECK', mask });
const REQPROT: Hook = { func: 'MMAP_CHECK_REQPROT', mask: MAY_EXEC };
const MMAP: Hook = { func: 'MMAP_CHECK', mask: MAY_EXEC };

/** What the kernel asks its policy when somebody does so. */
const HOOKS: Readonly<Record<string, readonly Hook[]>> = {
  r: [open(MAY_READ)],
  'r-again': [open(MAY_READ)],
  w: [open(MAY_WRITE)],
  rw: [open(MAY_READ | MAY_WRITE)],
  a: [open(MAY_WRITE | MAY_APPEND)],
  ra: [open(MAY_READ | MAY_WRITE | MAY_APPEND)],
  m: [open(MAY_READ)],
  rie: [open(MAY_READ), MMAP],
  x: [open(MAY_READ), REQPROT, MMAP],
  mx: [open(MAY_READ)],
  p: [],
  od: [open(MAY_READ)],
  exec: [
    open(MAY_EXEC),
    { func: 'BPRM_CHECK', mask: MAY_EXEC },
    { func: 'CREDS_CHECK', mask: MAY_EXEC },
    open(MAY_READ),
  ],
  'r-uid1000': [{ ...open(MAY_READ), subject: plainSubject(1000, 1000) }],
  'r-uid0': [{ ...open(MAY_READ), subject: plainSubject(0, 0) }],
  'r-ruid1000-euid0': [{ ...open(MAY_READ), subject: { ...plainSubject(0, 0), uid: 1000, gid: 1000 } }],
  'r-ruid0-euid1000': [
    { ...open(MAY_READ), subject: { ...plainSubject(1000, 1000), uid: 0, gid: 0, suid: 0, sgid: 0 } },
  ],
};

test('evaluate says of every access that a 6.12 kernel saw what was measured, into which PCR and in which template', () => {
  const policy = policyOf(vectors('policy.txt'), OPTIONS_6_12);
  const done = new Set<string>();
  let compared = 0;
  for (const row of vectors('results.tsv').split('\n')) {
    const [owner = '', access = '', , measured = ''] = row.split('\t');
    const hooks = HOOKS[access];
    // 2033 was measured before its first row; from 2047 on it is about changes of the file.
    if (hooks === undefined || owner === '2033' || Number(owner) >= 2047) continue;
    const file = { ...FILE, owner: Number(owner), group: owner === '2024' ? 2024 : 0 };
    const expected = hooks.flatMap((hook) => {
      const { actions, pcr = 10, template = 'ima-ng' } = evaluate(policy, { ...READ, ...hook, file });
      const isNew = actions.has('measure') && !done.has(`${owner} ${pcr}`);
      if (isNew) done.add(`${owner} ${pcr}`);
      return isNew ? [`[pcr${pcr} ${template}]`] : [];
    });
    assert.equal(measured.trim(), expected.join(' ') || '-', `${owner} ${access}`);
    compared++;
  }
  assert.equal(compared, 268);
});

test('evaluate says of which files of that kernel a label is asked for and who is audited', () => {
  const policy = policyOf(vectors('policy.txt'), OPTIONS_6_12);
  const audited = new Set<string>();
  for (const row of vectors('results.tsv').split('\n')) {
    const [owner = '', access = '', , , , records = ''] = row.split('\t');
    const hooks = HOOKS[access];
    if (hooks === undefined || Number(owner) >= 2047) continue;
    const file = { ...FILE, owner: Number(owner), group: owner === '2024' ? 2024 : 0 };
    const asked = hooks.map((hook) => evaluate(policy, { ...READ, ...hook, file }).actions);
    // A file without label fails each time; an audit record is written once.
    assert.equal(
      records.includes('cause=missing-hash'),
      asked.some((actions) => actions.has('appraise')),
      row,
    );
    const isAudited = asked.some((actions) => actions.has('audit')) && !audited.has(owner);
    assert.equal(records.includes('1805 '), isAudited, row);
    if (isAudited) audited.add(owner);
  }
  assert.deepEqual([...audited], ['2016', '2039']);
});
