import type { Finding, FindingDocument } from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type ComponentType, useState } from 'react';
import { change } from '../../api/change.ts';
import { Badge } from '../../parts/badge.tsx';
import { FindingCard } from '../../parts/finding-card.tsx';
import { HostLink } from '../../parts/host-link.tsx';
import { leadOf, Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { Section } from '../../parts/section.tsx';
import { Age, ClockTime } from '../../parts/time-text.tsx';
import { toast } from '../../state/toasts.ts';
import { countWords } from '../../text/numbers.ts';
import { assayCommand } from '../../text/shell.ts';
import { findingQuery, sameCauseQuery } from '../findings/queries.ts';
import { AcknowledgeDialog, ApproveDialog, ResolveDialog } from './dialogs.tsx';

const page = getRouteApi('/findings/$id');

type Dialog = ComponentType<{ finding: Finding; onClose: () => void }>;

async function withdraw(finding: Finding): Promise<void> {
  const path = route(ROUTES.findingAcknowledgement, finding.id);
  const touched = ['findings', 'host', 'alerts', 'audit'];
  await change<FindingDocument>(path, 'assay.finding.v1', { method: 'DELETE', touched });
  toast('good', 'The acknowledgement is withdrawn.');
}

function Actions({ finding }: { finding: Finding }) {
  const [Open, setOpen] = useState<Dialog | null>(null);
  const { mutate, isPending } = useMutation({
    mutationFn: withdraw,
    onError: (error) => toast('bad', error.message),
  });
  if (!finding.open) return null;
  const open = (dialog: Dialog) => () => setOpen(() => dialog);
  return (
    <>
      <button type="button" className="button" onClick={open(ResolveDialog)}>
        Resolve
      </button>
      {finding.acknowledgement === null ? (
        <button type="button" className="button" onClick={open(AcknowledgeDialog)}>
          Acknowledge
        </button>
      ) : (
        <button type="button" className="button" disabled={isPending} onClick={() => mutate(finding)}>
          Withdraw acknowledgement
        </button>
      )}
      {finding.evidence.digest !== null && (
        <button type="button" className="button-primary" onClick={open(ApproveDialog)}>
          Approve into a new version
        </button>
      )}
      {Open !== null && <Open finding={finding} onClose={() => setOpen(null)} />}
    </>
  );
}

/** Who knows of it, or how it ended. */
function Notice({ finding: { acknowledgement, resolution } }: { finding: Finding }) {
  if (resolution !== null) {
    return (
      <p data-tone="quiet" className="mb-4 rounded-xl border border-tone-line bg-tone-soft px-4 py-3 text-sm">
        <Badge tone="good" icon="check">
          Closed
        </Badge>{' '}
        <Age at={resolution.at} /> by <bdi>{resolution.by ?? 'itself: the evidence shows it no more'}</bdi>
        {resolution.reason !== null && (
          <>
            : <bdi>{resolution.reason}</bdi>
          </>
        )}
      </p>
    );
  }
  if (acknowledgement === null) return null;
  return (
    <p data-tone="open" className="mb-4 rounded-xl border border-tone-line bg-tone-soft px-4 py-3 text-sm">
      <Badge tone="open" icon="check">
        Acknowledged
      </Badge>{' '}
      by <bdi>{acknowledgement.by}</bdi> until <ClockTime at={acknowledgement.until} />:{' '}
      <bdi>{acknowledgement.reason}</bdi>
    </p>
  );
}

function SameCause({ finding }: { finding: Finding }) {
  const query = useQuery(sameCauseQuery(finding));
  return (
    <Section id="hosts" title="Open on">
      <Loaded query={query}>
        {(same) =>
          same.length === 0 ? (
            <p className="text-muted">No host at this moment.</p>
          ) : (
            <>
              <p className="mb-2 text-sm text-muted">{countWords(same.length, 'host', 'hosts')}</p>
              <ul className="card max-h-96 divide-y divide-line overflow-auto">
                {same.map(({ id, host, lastSeen, evidence, acknowledgement }) => (
                  <li key={id} className="flex flex-wrap items-baseline gap-x-3 px-4 py-2 text-sm">
                    <HostLink name={host.name} />
                    <Link to="/findings/$id" params={{ id }} className="text-muted underline underline-offset-4">
                      {id}
                    </Link>
                    {evidence.entry !== null && <span className="digits text-muted">entry {evidence.entry}</span>}
                    {acknowledgement !== null && <span className="text-muted">acknowledged</span>}
                    <span className="ms-auto text-muted">
                      <Age at={lastSeen} />
                    </span>
                  </li>
                ))}
              </ul>
            </>
          )
        }
      </Loaded>
      {finding.evidence.digest !== null && (
        <p className="mt-3 text-sm">
          <Link
            to="/digests/$digest"
            params={{ digest: finding.evidence.digest }}
            className="underline underline-offset-4"
          >
            Who ever ran this digest
          </Link>
        </p>
      )}
    </Section>
  );
}

export function FindingPage() {
  const { id } = page.useParams();
  const query = useQuery(findingQuery(id));
  const lead = leadOf(query, ({ host }) => (
    <>
      On <HostLink name={host.name} />
    </>
  ));
  return (
    <Page
      title={`Finding ${id}`}
      lead={lead}
      command={assayCommand(['findings', 'show', id])}
      actions={query.data && <Actions finding={query.data} />}
    >
      <Loaded query={query}>
        {(finding) => (
          <>
            <Notice finding={finding} />
            <div className="grid items-start gap-8 lg:grid-cols-[minmax(0,3fr)_minmax(16rem,2fr)]">
              <Section id="what" title="What was found">
                <FindingCard finding={finding} />
              </Section>
              <SameCause finding={finding} />
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}
