import type { Enrolment, HostLine } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { hostLinesQuery } from '../../api/queries.ts';
import { leadOf, Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { Section } from '../../parts/section.tsx';
import { countWords } from '../../text/numbers.ts';
import { assayCommand } from '../../text/shell.ts';
import { HostCommands, JoinToken } from './join.tsx';
import { enrolmentsQuery } from './queries.ts';
import { EnrolmentCard } from './waiting.tsx';

const page = getRouteApi('/enrol');

function Waiting({ enrolments, all }: { enrolments: readonly Enrolment[]; all: boolean }) {
  if (enrolments.length === 0) {
    return (
      <p className="text-muted">
        {all ? 'No machine ever waited for a decision.' : 'No machine waits for a decision.'} A name or an endorsement
        key that another host has makes one wait, and with assay verifier serve --approve-enrolments whatever nobody
        vouches for.
      </p>
    );
  }
  return (
    <ul className="space-y-4">
      {enrolments.map((enrolment) => (
        <EnrolmentCard key={enrolment.id} enrolment={enrolment} />
      ))}
    </ul>
  );
}

function lead(enrolments: readonly Enrolment[], hosts: readonly HostLine[]): string {
  const waiting = enrolments.filter(({ state }) => state === 'pending').length;
  const pending = hosts.filter(({ verdict }) => verdict === 'pending').length;
  const machines =
    waiting === 0
      ? 'No machine waits for a decision'
      : `${countWords(waiting, 'machine waits', 'machines wait')} for a decision`;
  return pending === 0
    ? machines
    : `${machines}, ${countWords(pending, 'host', 'hosts')} enrolled without evidence so far`;
}

/** How hosts come to the verifier, and which of them wait at its door. */
export function EnrolPage() {
  const { state = 'pending' } = page.useSearch();
  const query = useQuery(enrolmentsQuery(state));
  const fleet = useQuery(hostLinesQuery);
  const words = leadOf(query, (enrolments) => leadOf(fleet, ({ hosts }) => lead(enrolments, hosts)));
  return (
    <Page
      title="Enrol"
      lead={words}
      command={assayCommand(['enrolments', 'list'], { only: state === 'all' ? state : undefined })}
    >
      <div className="grid items-start gap-10 xl:grid-cols-2">
        <Section
          id="waiting"
          title="Waiting for a decision"
          aside={
            <Link
              to="/enrol"
              search={state === 'pending' ? { state: 'all' } : {}}
              className="text-sm underline underline-offset-4"
            >
              {state === 'pending' ? 'Show decided ones too' : 'Show waiting ones alone'}
            </Link>
          }
        >
          <Loaded query={query}>{(enrolments) => <Waiting enrolments={enrolments} all={state === 'all'} />}</Loaded>
        </Section>
        <div className="space-y-10">
          <Section id="token" title="A token for new hosts">
            <JoinToken />
          </Section>
          <Section id="host" title="On each host">
            <HostCommands />
          </Section>
        </div>
      </div>
    </Page>
  );
}
