import { Comparisons, textOf, type Agreement, type GuestAnswer } from '@assay/testkit/suites';
import { INSIDE, OUTSIDE, PLACES, RECORDS, type Step } from './names.ts';

/** Which of both outcomes each phase has. */
const EXPECTED: readonly (readonly [phase: string, steps: readonly Step[], isEnforced: boolean])[] = [
  ['log', OUTSIDE, false],
  ['log', INSIDE, false],
  ['enforce', OUTSIDE, true],
  ['enforce', INSIDE, true],
  ['learned', [['map', `${PLACES.ext4}/data-enforce`, 'mapped', 'mapped']], true],
  ['reused', [['execute', `${PLACES.next}/program`, '0', '0']], true],
  ['pause', INSIDE, false],
  ['end', INSIDE, false],
  ['killed', INSIDE, false],
];

/** What came of each try to get past the gate, and what it told of it. */
export function judgeGate({ kernel, files }: GuestAnswer): Agreement {
  const all = new Comparisons(`${kernel.series} gate in the kernel`);
  const rows = textOf(files, 'tries').trimEnd().split('\n');
  const expected = EXPECTED.flatMap(([phase, steps, isEnforced]) =>
    steps.map(([action, path, unhindered, enforced]) =>
      [phase, action, path.replace('PHASE', phase), isEnforced ? enforced : unhindered].join('\t'),
    ),
  );
  all.compare('tries', String(rows.length), String(expected.length));
  for (const [index, row] of expected.entries()) all.compare(`try ${index + 1}`, rows[index] ?? 'nothing', row);
  const records = textOf(files, 'records').split('\n');
  for (const record of RECORDS) all.holds(`a record ${record}`, records.includes(record));
  all.compare('gaps', textOf(files, 'gaps').trim(), 'ran-unasked');
  all.compare('hooks', textOf(files, 'hooks').trim(), 'bprm_check_security mmap_file file_mprotect');
  return all;
}
