import { ACCESS, type PolicyEvent } from '@assay/core/policy';
import {
  matchingEvents,
  matchingRows,
  policyMatching,
  textOf,
  type Agreement,
  type Files,
  type GuestAnswer,
} from '@assay/testkit/suites';
import { askEngine } from './ask.ts';
import { compareRows } from './rows.ts';
import { engineSuite } from './suite.ts';

/** Which rule decides at real openings by the users of the cases, what comes into the list, and which labels are written. */
export const engineMatching = engineSuite({
  name: 'engine-matching',
  title: 'the engine, on ext4 and tmpfs: what is measured where, appraised, audited, labelled',
  asks: policyMatching,
  ask: ({ kernel, asked }) => {
    const boot = { mode: 'log', hash: 'sha256', template: 'ima-sig' } as const;
    return askEngine({ kernel, boot, program: 'policy-matching.py', files: asked });
  },
  compare,
});

function compare(answer: GuestAnswer, found: Files): Agreement {
  const rowsOf = (files: Files): string[] => textOf(files, 'results').split('\n');
  const [said, did] = [rowsOf(answer.files), rowsOf(found)];
  const documented = matchingRows(answer, documentedEvents);
  const rows = matchingRows(answer, matchingEvents).map(({ line, row: expected }, index) => {
    const [kernel = 'nothing', engine = 'nothing'] = [said[index], did[index]];
    const reason = line.includes('\texec\t')
      ? 'ids before the execution'
      : 'mapped as soon as it is opened for reading';
    const both = { expected, documented: documented[index]?.row ?? '' };
    return { what: `${answer.kernel.series} ${line}`, kernel, engine, ...both, reason };
  });
  return compareRows(rows);
}

/** As docs/engine.md has it: programs that are opened for reading count as mapped, and executions have the ids before. */
const documentedEvents: typeof matchingEvents = (one, series) => {
  const events = matchingEvents(one, series);
  const [opened] = events;
  if (opened === undefined) return [];
  const { subject, file } = opened;
  if (one.kind === 'exec') return events.map((event) => ({ ...event, subject }));
  const executed = matchingEvents({ ...one, kind: 'map-exec' }, series).slice(1);
  const mapped = executed.map((event): PolicyEvent => ({ ...event, subject, ...(file === undefined ? {} : { file }) }));
  return (opened.mask & ACCESS.MAY_READ) === 0 ? events : [opened, ...mapped];
};
