import type { RefObject } from 'react';
import { Badge } from '../../parts/badge.tsx';
import type { IconName } from '../../parts/icon.tsx';
import { Section } from '../../parts/section.tsx';
import { countWords } from '../../text/numbers.ts';
import type { Tone } from '../../text/tone.ts';
import type { Review } from './review.ts';

interface Remark {
  readonly key: string;
  readonly line: number;
  readonly column: number;
  readonly tone: Tone;
  readonly icon: IconName;
  readonly word: string;
  readonly code: string;
  readonly message: string;
  /** A better rule; empty for none at all. */
  readonly better?: string;
}

/** What the kernel refuses first, then what it would not tell. */
function remarksOf({ checked, lint }: Review): Remark[] {
  const refused = checked.rules.flatMap((rule) =>
    rule.accepted ? [] : [{ line: rule.line, ...rule.refusal, tone: 'bad', icon: 'cross', word: 'Refused' } as const],
  );
  const load = checked.load.map(
    (problem) => ({ ...problem, column: 1, tone: 'bad', icon: 'cross', word: 'Refused' }) as const,
  );
  const linted = lint.map(({ severity, fix, ...finding }) => ({
    ...finding,
    ...(severity === 'warning'
      ? ({ tone: 'caution', icon: 'alert', word: 'Warning' } as const)
      : ({ tone: 'open', icon: 'question', word: 'Note' } as const)),
    ...(fix === undefined ? {} : { better: fix.text }),
  }));
  return [...refused, ...load, ...linted]
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map((remark, index) => ({ ...remark, key: `${index}` }));
}

/** Puts the cursor where a remark is about. */
function goTo(field: HTMLTextAreaElement | null, { line, column }: Remark): void {
  if (field === null) return;
  const lines = field.value.split('\n');
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  field.focus();
  field.setSelectionRange(start + column - 1, start + (lines[line - 1]?.length ?? 0));
}

function RemarkRow({ remark, field }: { remark: Remark; field: RefObject<HTMLTextAreaElement | null> }) {
  const { tone, icon, word, line, code, message, better } = remark;
  return (
    <li data-code={code} className="space-y-1 px-4 py-3 text-sm">
      <p className="flex flex-wrap items-center gap-x-2">
        <Badge tone={tone} icon={icon}>
          {word}
        </Badge>
        <button type="button" className="underline underline-offset-4" onClick={() => goTo(field.current, remark)}>
          line {line}
        </button>
        <code className="font-mono text-xs text-muted">{code}</code>
      </p>
      <p className="wrap-anywhere">
        <bdi>{message}</bdi>
      </p>
      {better !== undefined && (
        <p className="font-mono text-xs wrap-anywhere text-muted">
          {better === '' ? 'Better without it.' : `Better: ${better}`}
        </p>
      )}
    </li>
  );
}

function Verdict({ review: { checked } }: { review: Review }) {
  const good = checked.rules.filter(({ accepted }) => accepted).length;
  return (
    <Badge tone={checked.accepted ? 'good' : 'bad'} icon={checked.accepted ? 'check' : 'cross'}>
      {checked.accepted ? 'Loads' : 'Does not load'}: {good} of {countWords(checked.rules.length, 'rule', 'rules')}
    </Badge>
  );
}

export function Remarks({ review, field }: { review: Review; field: RefObject<HTMLTextAreaElement | null> }) {
  const remarks = remarksOf(review);
  return (
    <Section id="remarks" title="The kernel’s answer" aside={<Verdict review={review} />}>
      {remarks.length === 0 ? (
        <p className="text-muted">Nothing is wrong with it, as far as a policy shows.</p>
      ) : (
        <ul className="card max-h-128 divide-y divide-line overflow-auto">
          {remarks.map((remark) => (
            <RemarkRow key={remark.key} remark={remark} field={field} />
          ))}
        </ul>
      )}
    </Section>
  );
}
