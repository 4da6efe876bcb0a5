import type { AlertSink, AlertSinkList, AlertSinkTest } from '@assay/wire';
import { route, ROUTES } from '@assay/wire/routes';
import { queryOptions, useMutation, useQuery } from '@tanstack/react-query';
import { change } from '../../api/change.ts';
import { requestDocument } from '../../api/documents.ts';
import { useActs } from '../../api/who.ts';
import { Badge } from '../../parts/badge.tsx';
import { Command } from '../../parts/command.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { ProblemText } from '../../parts/problem-text.tsx';
import { Section } from '../../parts/section.tsx';

const sinksQuery = queryOptions({
  queryKey: ['alerts', 'sinks'],
  queryFn: async ({ signal }): Promise<readonly AlertSink[]> =>
    (await requestDocument<AlertSinkList>(ROUTES.alertSinks, 'assay.alert-sinks.v1', { signal })).sinks,
});

const MINIMUM_WORDS = { warning: 'warnings and failures', failed: 'failures alone' } as const;

function SinkRow({ sink: { name, type, target, minimum } }: { sink: AlertSink }) {
  const acts = useActs();
  const test = useMutation({
    mutationFn: () =>
      change<AlertSinkTest>(route(ROUTES.alertSinkTest, name), 'assay.alert-sink-test.v1', { touched: ['audit'] }),
  });
  const failure = test.data?.failure ?? null;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 text-sm">
      <bdi className="font-medium">{name}</bdi>
      <span className="text-muted">{type}</span>
      <bdi className="min-w-0 flex-1 basis-56 truncate font-mono text-xs text-muted">{target}</bdi>
      <span className="text-muted">{MINIMUM_WORDS[minimum]}</span>
      <span role="status">{test.data !== undefined && <Fate failure={test.data.failure} />}</span>
      {acts && (
        <button type="button" className="button" disabled={test.isPending} onClick={() => test.mutate()}>
          {test.isPending ? 'Sending…' : 'Send a test'}
          <span className="sr-only"> to {name}</span>
        </button>
      )}
      {failure !== null && <bdi className="w-full text-xs wrap-anywhere text-muted">{failure}</bdi>}
      {test.error !== null && <ProblemText error={test.error} />}
    </li>
  );
}

function Fate({ failure }: { failure: string | null }) {
  return failure === null ? (
    <Badge tone="good" icon="check">
      Test arrived
    </Badge>
  ) : (
    <Badge tone="bad" icon="cross">
      Test failed
    </Badge>
  );
}

/** Where messages go, each with a button that tries it. */
export function Sinks() {
  const query = useQuery(sinksQuery);
  return (
    <Section id="sinks" title="Where alerts go">
      <Loaded query={query}>
        {(sinks) =>
          sinks.length === 0 ? (
            <div className="space-y-2 text-muted">
              <p>Nowhere yet. They go to webhooks and syslog when a file names them:</p>
              <Command text="assay verifier serve --alerts alerts.json" />
            </div>
          ) : (
            <ul className="card divide-y divide-line">
              {sinks.map((sink) => (
                <SinkRow key={sink.name} sink={sink} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Section>
  );
}
