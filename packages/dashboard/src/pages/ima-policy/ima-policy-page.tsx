import { getRouteApi } from '@tanstack/react-router';
import { useDeferredValue, useMemo, useRef, useState } from 'react';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Page } from '../../parts/page.tsx';
import { Section } from '../../parts/section.tsx';
import { keepDraft, keptDraft } from '../../state/draft.ts';
import { toast } from '../../state/toasts.ts';
import { countWords } from '../../text/numbers.ts';
import { assayCommand } from '../../text/shell.ts';
import { Changes } from './changes.tsx';
import { Choices } from './choices.tsx';
import { Remarks } from './remarks.tsx';
import { DEFAULT_KERNEL, mended, profileOf, reviewOf } from './review.ts';

const page = getRouteApi('/ima-policy');

const KEY = 'assay.ima-policy';
const LONGEST_CHARACTERS = 200_000;

const keptText = (): string => keptDraft(KEY) ?? '';

/** The text, what it was at the start, and what changes them; it stays in this tab. */
function useDraft() {
  const [start, setStart] = useState(keptText);
  const [text, setText] = useState(start);
  const edit = (next: string): void => {
    setText(next);
    keepDraft(KEY, next);
  };
  const begin = (next: string): void => {
    setStart(next);
    edit(next);
  };
  return { start, text, edit, begin };
}

/** An editor for IMA policies: a kernel's answer to every rule, while it is typed, without a kernel. */
export function ImaPolicyPage() {
  const { kernel = DEFAULT_KERNEL, options = 'debian' } = page.useSearch();
  const profile = useMemo(() => profileOf(kernel, options), [kernel, options]);
  const field = useRef<HTMLTextAreaElement>(null);
  const { start, text, edit, begin } = useDraft();
  const late = useDeferredValue(text);
  const review = useMemo(() => reviewOf(late, profile), [late, profile]);
  const mend = (): void => {
    const { text: better, fixed } = mended(text, profile);
    edit(better);
    if (fixed === 0) toast('quiet', 'Nothing can be mended safely.');
    else toast('good', `${countWords(fixed, 'rule', 'rules')} mended.`);
  };
  return (
    <Page
      title="IMA policy"
      lead="The kernel’s answer to every rule, as you type"
      command={assayCommand(['policy', 'check', '-'], { kernel, config: options })}
      input={text}
    >
      <Choices profile={profile} onStart={begin} />
      <div className="grid items-start gap-8 xl:grid-cols-2">
        <Section
          id="policy"
          title="Policy"
          aside={
            <span className="flex items-center gap-2">
              <button type="button" className="button-quiet" onClick={mend}>
                Mend what is safe
              </button>
              <CopyButton text={text} what="policy" />
            </span>
          }
        >
          <label className="block">
            <span className="sr-only">Rules, one on each line</span>
            <textarea
              ref={field}
              value={text}
              onChange={(event) => edit(event.target.value)}
              rows={24}
              maxLength={LONGEST_CHARACTERS}
              spellCheck={false}
              className="field w-full font-mono text-sm"
            />
          </label>
        </Section>
        <div className="min-w-0 space-y-8">
          {late.trim() === '' ? (
            <p className="text-muted">Type or paste rules, or start from those that a kernel has of its own.</p>
          ) : (
            <Remarks review={review} field={field} />
          )}
          <Changes before={start} after={late} />
        </div>
      </div>
    </Page>
  );
}
