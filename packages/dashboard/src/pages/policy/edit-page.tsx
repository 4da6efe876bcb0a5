import type { PolicyList, PolicyPush, PolicyReply, PolicyText } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';
import { canonicalJson, utf8 } from '@assay/core/bytes';
import { AssayError } from '@assay/core/errors';
import { diffReferences, parseReference, type ReferenceDocument } from '@assay/core/reference';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useDeferredValue, useMemo, useState } from 'react';
import { change } from '../../api/change.ts';
import { Badge } from '../../parts/badge.tsx';
import { Empty } from '../../parts/empty.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { ProblemText } from '../../parts/problem-text.tsx';
import { Section } from '../../parts/section.tsx';
import { SimulationView } from '../../parts/simulation-view.tsx';
import { forgetDraft, keepDraft, keptDraft } from '../../state/draft.ts';
import { toast } from '../../state/toasts.ts';
import { assayCommand } from '../../text/shell.ts';
import { policiesQuery, policyTextQuery, simulateCandidate } from '../policies/queries.ts';
import { DiffView } from './diff-view.tsx';

const page = getRouteApi('/policies/$name/edit');

/** A longer document is for `assay reference build --base`. */
const LONGEST_CHARACTERS = 2_000_000;

type Draft = { readonly document: ReferenceDocument } | { readonly fault: string };

/** The draft as the verifier would read it, or what is wrong with it. */
function draftOf(text: string): Draft {
  try {
    const members: unknown = JSON.parse(text);
    return { document: parseReference(utf8(canonicalJson(members))).document };
  } catch (error) {
    if (error instanceof AssayError || error instanceof SyntaxError) return { fault: error.message };
    throw error;
  }
}

const draftKey = ({ policy: { name, version } }: PolicyText): string => `assay.policy-draft ${name}@${version}`;

/** The document as people edit it, under the number that it will have. */
function startOf(text: string, next: number): string {
  const { document } = parseReference(utf8(text));
  return JSON.stringify({ ...document, version: next }, null, 2);
}

function Trial({ name, draft }: { name: string; draft: ReferenceDocument }) {
  const { mutate, isPending, error, data } = useMutation({
    mutationFn: (document: string) => simulateCandidate(name, { document, boots: 'present' }),
  });
  return (
    <Section
      id="trial"
      title="What it would make of what was measured"
      aside={
        <button type="button" className="button" disabled={isPending} onClick={() => mutate(canonicalJson(draft))}>
          {isPending ? 'Simulating' : 'Simulate'}
        </button>
      }
    >
      {error !== null && <ProblemText error={error} />}
      {data === undefined ? (
        <p className="text-muted">Not tried yet. The verifier stores nothing for this.</p>
      ) : (
        <SimulationView simulation={data} />
      )}
    </Section>
  );
}

function PushButton({ draft, onPushed }: { draft: ReferenceDocument; onPushed: () => void }) {
  const navigate = page.useNavigate();
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => {
      const body: PolicyPush = { document: canonicalJson(draft) };
      return change<PolicyReply>(ROUTES.policies, 'assay.policy.v1', { body, touched: ['policies', 'audit'] });
    },
    onSuccess: ({ policy: { name, version } }) => {
      onPushed();
      toast('good', `${name} version ${version} is pushed, and waits for activation.`);
      void navigate({ to: '/policies/$name', params: { name }, search: { version } });
    },
  });
  return (
    <div>
      <button type="button" className="button-primary" disabled={isPending} onClick={() => mutate()}>
        Push as version {draft.version}
      </button>
      {error !== null && <ProblemText error={error} />}
    </div>
  );
}

/** What was written of the next version in this tab, and what it is as a document. */
function useDraft(base: PolicyText, next: number) {
  const start = useMemo(() => startOf(base.document, next), [base, next]);
  const key = draftKey(base);
  const [text, setText] = useState(() => keptDraft(key) ?? start);
  const late = useDeferredValue(text);
  const draft = useMemo(() => draftOf(late), [late]);
  const edit = (written: string): void => {
    setText(written);
    keepDraft(key, written);
  };
  return { start, text, draft, edit, forget: () => forgetDraft(key) };
}

function Readable({ draft }: { draft: Draft }) {
  const is = 'document' in draft;
  return (
    <Badge tone={is ? 'good' : 'bad'} icon={is ? 'check' : 'cross'}>
      {is ? 'Can be read' : 'Cannot be read'}
    </Badge>
  );
}

function Writing({ start, text, draft, edit, forget }: ReturnType<typeof useDraft>) {
  return (
    <Section id="draft" title="Draft" aside={<Readable draft={draft} />}>
      <label className="block">
        <span className="sr-only">The document</span>
        <textarea
          value={text}
          onChange={(event) => edit(event.target.value)}
          rows={30}
          spellCheck={false}
          aria-invalid={'fault' in draft}
          aria-describedby="fault"
          className="field w-full font-mono text-xs"
        />
      </label>
      <p id="fault" role="status" data-tone="bad" className="mt-2 min-h-6 text-sm wrap-anywhere text-tone">
        {'fault' in draft && `${draft.fault}. It can be tried and pushed once it can be read.`}
      </p>
      <div className="flex flex-wrap items-start gap-3">
        {'document' in draft && <PushButton draft={draft.document} onPushed={forget} />}
        {text !== start && (
          <button type="button" className="button" onClick={() => edit(start)}>
            Begin again
          </button>
        )}
      </div>
    </Section>
  );
}

function Editor({ base, next }: { base: PolicyText; next: number }) {
  const before = useMemo(() => parseReference(utf8(base.document)).document, [base]);
  const writing = useDraft(base, next);
  const { draft } = writing;
  return (
    <div className="grid items-start gap-8 xl:grid-cols-2">
      <Writing {...writing} />
      {'document' in draft && (
        <div className="min-w-0 space-y-8">
          <Section id="changed" title={`What changes since version ${base.policy.version}`}>
            <Diff before={before} after={draft.document} />
          </Section>
          <Trial name={base.policy.name} draft={draft.document} />
        </div>
      )}
    </div>
  );
}

function Diff({ before, after }: { before: ReferenceDocument; after: ReferenceDocument }) {
  const diff = useMemo(() => {
    const { pools, rules } = diffReferences(before, after);
    const mutable = pools.map((pool) => ({ ...pool, before: [...pool.before], after: [...pool.after] }));
    return { pools: mutable, rules: [...rules] };
  }, [before, after]);
  return <DiffView diff={diff} />;
}

/** The version after all that there are: two people may have begun from the same one. */
function nextVersion(list: PolicyList, { name, version }: PolicyText['policy']): number {
  const versions = list.policies.filter((each) => each.name === name).map((each) => each.version);
  return Math.max(version, ...versions) + 1;
}

/** The next version of a policy, written in the page: read, compared and tried as it is typed. */
export function PolicyEditPage() {
  const { name } = page.useParams();
  const { version = 1 } = page.useSearch();
  const query = useQuery(policyTextQuery(name, version));
  const versions = useQuery(policiesQuery);
  return (
    <Page
      title={`Edit ${name}`}
      lead={`From version ${version}. What is pushed is in force when somebody else activates it.`}
      command={assayCommand(['policies', 'fetch', name, String(version)], { out: `${name}-${version}.json` })}
    >
      <Loaded query={query}>
        {(base) =>
          base.document.length > LONGEST_CHARACTERS ? (
            <Empty icon="book" title="It is too long to be edited in a page">
              <p>Fetch it with the command above, change it with assay reference build --base, and push it.</p>
            </Empty>
          ) : (
            <Loaded query={versions}>{(list) => <Editor base={base} next={nextVersion(list, base.policy)} />}</Loaded>
          )
        }
      </Loaded>
    </Page>
  );
}
