import { useMemo } from 'react';
import { Section } from '../../parts/section.tsx';
import { lineDiff } from './lines.ts';

const DIFF_LINES = 400;

const MARKS = {
  ' ': { tone: 'quiet', says: '' },
  '+': { tone: 'good', says: 'added: ' },
  '-': { tone: 'bad', says: 'removed: ' },
} as const;

export function Changes({ before, after }: { before: string; after: string }) {
  const lines = useMemo(() => {
    const [old, fresh] = [before.split('\n'), after.split('\n')];
    return old.length > DIFF_LINES || fresh.length > DIFF_LINES ? null : lineDiff(old, fresh);
  }, [before, after]);
  if (before === after) return null;
  return (
    <Section id="changes" title="What you changed">
      {lines === null ? (
        <p className="text-muted">It is too long to be compared here.</p>
      ) : (
        <pre className="card max-h-96 overflow-auto p-4 text-xs">
          {lines.map(({ place, mark, text }) => (
            <div
              key={place}
              data-tone={MARKS[mark].tone}
              className={mark === ' ' ? 'text-muted' : 'bg-tone-soft text-tone'}
            >
              <span aria-hidden="true">{mark} </span>
              <span className="sr-only">{MARKS[mark].says}</span>
              {text}
            </div>
          ))}
        </pre>
      )}
    </Section>
  );
}
