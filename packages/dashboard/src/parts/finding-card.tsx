import type { Finding } from '@assay/wire';
import { countWords, numberWords } from '../text/numbers.ts';
import { SEVERITY_TONES } from '../text/tone.ts';
import { Badge } from './badge.tsx';
import { Command } from './command.tsx';
import { FullValue } from './digest.tsx';
import { LongText } from './long-text.tsx';
import { Age } from './time-text.tsx';

function Evidence({ evidence }: { evidence: Finding['evidence'] }) {
  const rows = [
    { label: 'Filename hint', value: evidence.filenameHint },
    { label: 'Digest', value: evidence.digest },
  ].flatMap(({ label, value }) => (value === null ? [] : [{ label, value }]));
  if (rows.length === 0) return null;
  return (
    <dl className="grid gap-x-6 gap-y-2 sm:grid-cols-[auto_1fr]">
      {rows.map(({ label, value }) => (
        <div key={label} className="contents">
          <dt className="text-sm text-muted">{label}</dt>
          <dd className="min-w-0">
            <FullValue value={value} what={label.toLowerCase()} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Explanation({ causes }: { causes: Finding['explanation'] }) {
  if (causes.length === 0) return null;
  return (
    <ul className="space-y-1.5 text-sm">
      {causes.map(({ cause, confidence }) => (
        <li key={cause} className="flex flex-wrap items-baseline gap-x-2">
          <span className="min-w-0 wrap-anywhere">
            <LongText text={cause} />
          </span>
          <span className="text-xs text-muted">{confidence} confidence</span>
        </li>
      ))}
    </ul>
  );
}

function Reach({ finding }: { finding: Finding }) {
  const { hosts } = finding.blastRadius;
  const { entry, template } = finding.evidence;
  return (
    <p className="text-sm text-muted">
      {entry !== null && `List entry ${numberWords(entry)}${template === null ? '' : ` (${template})`}. `}
      {hosts === 1 ? 'Only on this host' : `On ${countWords(hosts, 'host', 'hosts')}`}, first seen{' '}
      <Age at={finding.firstSeen} />.
    </p>
  );
}

const SEVERITY = { failed: { icon: 'cross', word: 'Failed' }, warning: { icon: 'alert', word: 'Warning' } } as const;

/** One finding as a sentence, with what it rests on, what may be the cause, and what to do next. */
export function FindingCard({ finding }: { finding: Finding }) {
  const { icon, word } = SEVERITY[finding.severity];
  return (
    <article
      data-tone={SEVERITY_TONES[finding.severity]}
      data-code={finding.code}
      className="card rises space-y-4 border-s-4 border-s-tone-solid p-5 sm:p-6"
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Badge tone={SEVERITY_TONES[finding.severity]} icon={icon}>
          {word}
        </Badge>
        <code className="font-mono text-xs text-muted">{finding.code}</code>
        <span className="ms-auto text-sm text-muted">
          <Age at={finding.lastSeen} />
        </span>
      </div>
      <h3 className="text-lg leading-snug font-medium wrap-anywhere">
        <LongText text={finding.sentence} />
      </h3>
      <Explanation causes={finding.explanation} />
      <Evidence evidence={finding.evidence} />
      <Reach finding={finding} />
      {finding.next.length > 0 && (
        <div className="space-y-2">
          <p className="eyebrow">Next</p>
          {finding.next.map((command) => (
            <Command key={command} text={command} />
          ))}
        </div>
      )}
    </article>
  );
}
