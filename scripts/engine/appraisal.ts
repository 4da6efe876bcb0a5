import type { AppraiseMode } from '@assay/core/appraisal';
import { utf8 } from '@assay/core/bytes';
import {
  appraisal,
  appraisalEvents,
  appraisalRows,
  textOf,
  type Agreement,
  type Files,
  type GuestAnswer,
} from '@assay/testkit/suites';
import { askEngine } from './ask.ts';
import { compareRows } from './rows.ts';
import { parseMode } from './question.ts';
import { engineSuite } from './suite.ts';

/** Which accesses are refused in each mode, with which audit records, and what the labels are afterwards. */
export const engineAppraisal = engineSuite({
  name: 'engine-appraisal',
  title: 'the engine, on ext4: accesses allowed or denied, audit records, labels written',
  asks: appraisal,
  ask: (answer) => {
    const { kernel, asked } = answer;
    const boot = { mode: modeOf(answer), hash: 'sha256', template: 'ima-sig' } as const;
    return askEngine({
      kernel,
      boot,
      program: 'appraisal.py',
      files: new Map([...asked, ['files', filesFor(answer)]]),
    });
  },
  compare,
});

function modeOf({ asked }: GuestAnswer): AppraiseMode {
  return parseMode(textOf(asked, 'mode').trim());
}

/** The labels are those that the guest accepted. Few machines can enable fs-verity: such files are left out. */
function filesFor({ asked, files }: GuestAnswer): Uint8Array {
  const said = textOf(files, 'answers').split('\n');
  const lines = textOf(asked, 'files').trimEnd().split('\n');
  const kept = lines.flatMap((line, index) => {
    const [place, owner, , verity = '', accesses] = line.split('\t');
    const [, first] = said[index]?.split('\t') ?? [];
    return verity === '' ? [[place, owner, first, verity, accesses].join('\t')] : [];
  });
  return utf8(kept.map((line) => `${line}\n`).join(''));
}

function compare(answer: GuestAnswer, found: Files): Agreement {
  const mode = modeOf(answer);
  const said = textOf(answer.files, 'answers').split('\n');
  const did = new Map(
    textOf(found, 'answers')
      .split('\n')
      .map((row) => [row.split('\t', 1)[0] ?? '', row]),
  );
  const documented = appraisalRows(answer, { events: documentedEvents, isStrict: true });
  const expected = appraisalRows(answer, { events: appraisalEvents, isStrict: false });
  const rows = expected.flatMap(({ one, first, row }, index) => {
    if (one.verity) return [];
    const { owner, accesses } = one;
    const what = `${answer.kernel.series} ${mode} fowner=${owner} ${first.slice(0, 12)} ${accesses.join()}`;
    const reason =
      owner === STRICT_OWNER ? 'an algorithm that is refused each time' : 'mapped as soon as it is opened for reading';
    const answered = { kernel: shown(said[index]), engine: shown(did.get(String(one.index))) };
    const right = { expected: shown(row), documented: shown(documented[index]?.row) };
    return [{ what, ...answered, ...right, reason, weight: accesses.length }];
  });
  return compareRows(rows);
}

/** Of the rule with `appraise_algos=`. */
const STRICT_OWNER = 3003;

function shown(row = 'nothing'): string {
  return row.split('\t').slice(2).join(' ');
}

/** As docs/engine.md has it: what can be executed and is opened for reading counts as mapped. */
const documentedEvents: typeof appraisalEvents = (kind, owner, series) =>
  appraisalEvents(kind === 'read' ? 'map' : kind, owner, series);
