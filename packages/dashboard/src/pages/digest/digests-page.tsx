import type { DigestDocument } from '@assay/wire';
import { useMutation } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type SubmitEvent, useEffect, useState } from 'react';
import { Badge } from '../../parts/badge.tsx';
import { ShortDigest } from '../../parts/digest.tsx';
import { textOf } from '../../parts/dialog-form.tsx';
import { firstOf } from '../../parts/long-text.tsx';
import { Page } from '../../parts/page.tsx';
import { ProblemText } from '../../parts/problem-text.tsx';
import { countWords } from '../../text/numbers.ts';
import { assayCommand } from '../../text/shell.ts';
import { DenyDialog } from './deny-dialog.tsx';
import { digestsIn, INDICATORS_MOST } from './indicators.ts';
import { readDigest } from './queries.ts';

const page = getRouteApi('/digests');

const AT_ONCE = 4;

/** Asks about each digest, a few at a time. @returns in the order given */
async function askAll(digests: readonly string[]): Promise<DigestDocument[]> {
  const answers: DigestDocument[] = [];
  for (let start = 0; start < digests.length; start += AT_ONCE) {
    const some = digests.slice(start, start + AT_ONCE);
    answers.push(...(await Promise.all(some.map((digest) => readDigest(digest, { limit: '1' })))));
  }
  return answers;
}

function Answer({ answer: { digest, hosts, sightings } }: { answer: DigestDocument }) {
  const path = sightings[0]?.path ?? '';
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 text-sm">
      <Badge tone={hosts === 0 ? 'quiet' : 'bad'} icon={hosts === 0 ? 'check' : 'alert'}>
        {hosts === 0 ? 'Never measured' : countWords(hosts, 'host', 'hosts')}
      </Badge>
      <Link to="/digests/$digest" params={{ digest }} className="underline underline-offset-4">
        <ShortDigest digest={digest} />
      </Link>
      <bdi title={firstOf(path)} className="min-w-0 flex-1 basis-48 truncate font-mono text-xs text-muted">
        {firstOf(path)}
      </bdi>
    </li>
  );
}

function Answers({ answers }: { answers: readonly DigestDocument[] }) {
  const [denying, setDenying] = useState(false);
  const found = answers.filter(({ hosts }) => hosts > 0);
  const ordered = [...found, ...answers.filter(({ hosts }) => hosts === 0)];
  return (
    <section aria-labelledby="answers" className="mt-8">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <h2 id="answers" className="font-display text-xl font-semibold tracking-tight">
          {found.length} of {countWords(answers.length, 'digest', 'digests')} ran somewhere
        </h2>
        <button type="button" className="button" onClick={() => setDenying(true)}>
          Deny all of them
        </button>
      </div>
      <ul className="card divide-y divide-line">
        {ordered.map((answer) => (
          <Answer key={answer.digest} answer={answer} />
        ))}
      </ul>
      {denying && <DenyDialog digests={answers.map(({ digest }) => digest)} onClose={() => setDenying(false)} />}
    </section>
  );
}

/** Before digests are named, those of which few hosts ran something are worth a question first. */
function commandFor(digests: readonly string[]): string {
  return digests.length === 0 ? 'assay digest list' : assayCommand(['digest', 'who', ...digests]);
}

/** Asks who ever ran what a list of indicators names. */
export function DigestsPage() {
  const { list = '' } = page.useSearch();
  const navigate = page.useNavigate();
  const { mutate, isPending, error, data } = useMutation({ mutationFn: askAll });
  const [nothing, setNothing] = useState(false);
  useEffect(() => {
    const digests = digestsIn(list);
    if (digests.length > 0) mutate(digests);
  }, [list, mutate]);
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const digests = digestsIn(textOf(new FormData(event.currentTarget), 'text'));
    setNothing(digests.length === 0);
    if (digests.length === 0) return;
    void navigate({ search: { list: digests.join(',') }, replace: true });
    mutate(digests);
  };
  return (
    <Page
      title="Digests"
      lead="Who ever ran this?"
      command={commandFor(data?.map(({ digest }) => digest) ?? digestsIn(list))}
    >
      <form onSubmit={submit} className="space-y-3">
        <label className="block">
          <span className="text-sm font-semibold">Digests, or any text that holds them</span>
          <span className="block text-sm text-muted">
            A list of indicators, a report, a line of sha256sum. Up to {INDICATORS_MOST} are asked for.
          </span>
          <textarea
            name="text"
            rows={6}
            required
            defaultValue={list.replaceAll(',', '\n')}
            spellCheck={false}
            className="field mt-1 w-full font-mono text-xs"
          />
        </label>
        <button type="submit" disabled={isPending} className="button-primary">
          {isPending ? 'Asking the verifier' : 'Ask'}
        </button>
      </form>
      {nothing && (
        <p role="status" className="mt-4 text-muted">
          No digest is in that: 40, 64, 96 or 128 hexadecimal digits make one.
        </p>
      )}
      {error !== null && <ProblemText error={error} />}
      {data !== undefined && <Answers answers={data} />}
    </Page>
  );
}
