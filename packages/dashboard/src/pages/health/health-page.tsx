import { ROUTES } from '@assay/wire/routes';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useConnection } from '../../api/live.ts';
import { hostLinesQuery } from '../../api/queries.ts';
import { Badge } from '../../parts/badge.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { leadOf, Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { Section } from '../../parts/section.tsx';
import { countWords, numberWords } from '../../text/numbers.ts';
import { spanWords } from '../../text/time.ts';
import { total } from '@assay/wire/samples';
import { type Watch, watchQuery } from './queries.ts';
import { Requests } from './requests.tsx';

const MEBIBYTE = 1024 * 1024;

interface FigureProps {
  readonly name: string;
  readonly value: ReactNode;
  readonly says: string;
}

function Figure({ name, value, says }: FigureProps) {
  return (
    <li className="card p-4">
      <p className="text-sm font-semibold">{name}</p>
      <p className="digits mt-1 font-display text-3xl font-semibold">{value}</p>
      <p className="mt-1 text-sm text-muted">{says}</p>
    </li>
  );
}

const NOT_YET = 'none yet';

const rate = (perSecond: number | undefined): string =>
  perSecond === undefined ? 'counting' : perSecond.toFixed(perSecond < 10 ? 1 : 0);

/** Time that a round takes on average since the verifier was started, in milliseconds. */
function roundWords({ samples }: Watch): string {
  const labels = { route: ROUTES.evidence };
  const rounds = total(samples, 'assay_http_request_seconds_count', labels);
  if (rounds === 0) return NOT_YET;
  const milliseconds = (total(samples, 'assay_http_request_seconds_sum', labels) / rounds) * 1000;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

function Figures({ watch }: { watch: Watch }) {
  const { samples, rates } = watch;
  const oldest = total(samples, 'assay_evidence_age_seconds_max');
  return (
    <ul className="grid grid-cols-1 gap-3 sm:grid-cols-2 xl:grid-cols-4">
      <Figure
        name="Rounds a second"
        value={rate(rates?.rounds)}
        says="Evidence that hosts sent, over the last seconds"
      />
      <Figure
        name="A round takes"
        value={roundWords(watch)}
        says="From a message of evidence to its answer, on average"
      />
      <Figure
        name="Oldest evidence"
        value={oldest === 0 ? 'none' : spanWords(oldest * 1000)}
        says="That a verdict rests on; stale hosts are not counted"
      />
      <Figure
        name="Failures a second"
        value={rate(rates?.failures)}
        says={`Requests that the verifier could not answer; ${numberWords(total(samples, 'assay_http_requests_total', { status: '500' }))} since its start`}
      />
    </ul>
  );
}

function Heartbeat({ ready }: { ready: Watch['ready'] }) {
  if ('why' in ready) {
    return (
      <p role="alert">
        <Badge tone="bad" icon="cross">
          Late
        </Badge>{' '}
        {ready.why}
      </p>
    );
  }
  return (
    <p>
      <Badge tone="good" icon="pulse">
        In time
      </Badge>{' '}
      Every second it looks which verdicts time has overtaken; it is {ready.lateSeconds.toFixed(1)} s late with that.
    </p>
  );
}

const STREAM = {
  live: 'open',
  connecting: 'is being opened',
  lost: 'lost; it is tried again',
  refused: 'refused: the verifier wants a token',
} as const;

function Process({ watch: { samples, version, hosts } }: { watch: Watch }) {
  const connection = useConnection();
  const { data: fleet } = useQuery(hostLinesQuery);
  const started = total(samples, 'process_start_time_seconds') * 1000;
  const resident = total(samples, 'process_resident_memory_bytes') / MEBIBYTE;
  const waiting = total(samples, 'assay_alert_deliveries_waiting');
  return (
    <FactList
      facts={[
        ['Version', version],
        ['Runs for', started === 0 ? 'unknown' : spanWords(Date.now() - started)],
        ['Memory', `${numberWords(Math.round(resident))} MiB`],
        ['Event stream', STREAM[connection.state]],
        [
          'Hosts',
          <Link key="hosts" to="/hosts" className="underline underline-offset-4">
            {numberWords(hosts)}
          </Link>,
        ],
        ['Stale after', fleet === undefined ? 'not known yet' : spanWords(fleet.staleAfterSeconds * 1000)],
        [
          'Open findings',
          <Link key="findings" to="/findings" className="underline underline-offset-4">
            {numberWords(total(samples, 'assay_findings_open'))}
          </Link>,
        ],
        [
          'Open alerts',
          <Link key="alerts" to="/alerts" className="underline underline-offset-4">
            {numberWords(total(samples, 'assay_alerts_open'))}, {countWords(waiting, 'message', 'messages')} on the way
          </Link>,
        ],
      ]}
    />
  );
}

/** Whether the watch itself is well: a verifier that sleeps shows old verdicts. */
export function HealthPage() {
  const query = useQuery(watchQuery);
  return (
    <Page title="Health" lead={leadOf(query, ({ version }) => `Verifier ${version}`)} command="assay verifier status">
      <Loaded query={query}>
        {(watch) => (
          <div className="space-y-8">
            <Heartbeat ready={watch.ready} />
            <Figures watch={watch} />
            <div className="grid items-start gap-8 xl:grid-cols-[minmax(18rem,1fr)_minmax(0,2fr)]">
              <Section id="process" title="The verifier">
                <div className="card p-5">
                  <Process watch={watch} />
                </div>
              </Section>
              <Section id="requests" title="Requests since its start">
                <Requests samples={watch.samples} />
              </Section>
            </div>
          </div>
        )}
      </Loaded>
    </Page>
  );
}
