import type { HostSummary, Measurement } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { measurementsAtQuery, measurementsQuery } from '../../api/queries.ts';
import { countWords, numberWords } from '../../text/numbers.ts';
import { MeasurementFilter, type Status } from './measurement-filter.tsx';
import { MeasurementList } from './measurement-list.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { QueryProblem } from '../../parts/problem-text.tsx';
import { Section } from '../../parts/section.tsx';
import { SkeletonRows } from '../../parts/skeleton.tsx';

function matches(row: Measurement, text: string, status: Status | null): boolean {
  if (status !== null && row.status !== status) return false;
  if (text === '') return true;
  const wanted = text.toLowerCase();
  return String(row.entry) === wanted || row.digest.includes(wanted) || row.filenameHint.toLowerCase().includes(wanted);
}

function Explorer({ hostName, rows }: { hostName: string; rows: readonly Measurement[] }) {
  const [text, setText] = useState('');
  const [status, setStatus] = useState<Status | null>(null);
  const shown = rows.filter((row) => matches(row, text.trim(), status));
  return (
    <>
      <MeasurementFilter rows={rows} text={text} onText={setText} status={status} onStatus={setStatus} />
      {shown.length === 0 ? (
        <p className="p-8 text-center text-muted">
          None of {countWords(rows.length, 'entry', 'entries')} matches: it was never measured in this boot.
        </p>
      ) : (
        <MeasurementList hostName={hostName} rows={shown} />
      )}
    </>
  );
}

function Body({ hostName, rows }: { hostName: string; rows: readonly Measurement[] }) {
  if (rows.length === 0) {
    return (
      <p className="p-8 text-center text-muted">Nothing measured yet. What runs on the host appears here at once.</p>
    );
  }
  return <Explorer hostName={hostName} rows={rows} />;
}

function aside(host: HostSummary, rows: readonly Measurement[]): string {
  if (rows.length >= host.list.entries) return 'Newest first';
  return `Newest ${numberWords(rows.length)} of ${numberWords(host.list.entries)}`;
}

const NOTHING_THEN = <p className="p-8 text-center text-muted">Nothing of its list had come by then.</p>;

/** The list as it was known at a time, judged by what is known to have been in force then. */
export function MeasurementsThen({ host, at }: { host: string; at: string }) {
  const query = useQuery(measurementsAtQuery(host, at));
  const count = query.data && (
    <p className="digits text-sm text-muted">{countWords(query.data.length, 'entry', 'entries')}</p>
  );
  return (
    <Section id="measurements-then" title="Its measurement list then" aside={count}>
      <div className="card overflow-hidden">
        <Loaded
          query={query}
          skeleton={
            <div className="p-6">
              <SkeletonRows rows={6} />
            </div>
          }
        >
          {(rows) => (rows.length === 0 ? NOTHING_THEN : <Explorer hostName={host} rows={rows} />)}
        </Loaded>
      </div>
    </Section>
  );
}

export function Measurements({ host }: { host: HostSummary }) {
  const query = useQuery(measurementsQuery(host.name));
  const { data, error } = query;
  return (
    <Section
      id="measurements"
      title="Measurements"
      aside={data && <p className="digits text-sm text-muted">{aside(host, data)}</p>}
    >
      <div className="card overflow-hidden">
        {data === undefined && error === null && (
          <div className="p-6">
            <SkeletonRows rows={6} />
          </div>
        )}
        {data === undefined && error !== null && (
          <div className="p-4 pt-0">
            <QueryProblem query={query} />
          </div>
        )}
        {data !== undefined && <Body hostName={host.name} rows={data} />}
      </div>
    </Section>
  );
}
