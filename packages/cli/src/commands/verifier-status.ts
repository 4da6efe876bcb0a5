import { Health, ProblemError, Ready, ROUTES, type ApiClient } from '@assay/wire';
import { requestsIn, samplesIn, total } from '@assay/wire/samples';
import { reader } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';

/** `assay verifier status`: exits with 1 when the verifier is late with its own work, or its store does not answer. */
export async function showStatus(given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const status = await statusOf(reader(options));
  if (options.output === 'json') printJson({ schema: 'assay.verifier-status.v1', ...status });
  else process.stdout.write(statusText(status));
  return status.late === null ? EXIT.fine : EXIT.no;
}

type Status = Awaited<ReturnType<typeof statusOf>>;

async function statusOf(client: ApiClient) {
  const { version } = await client.call(ROUTES.health, Health);
  const ready = await readiness(client);
  const samples = samplesIn(await client.text(ROUTES.metrics));
  const count = (name: string): number => total(samples, name);
  return {
    version,
    ...ready,
    startedAt: new Date(1000 * count('process_start_time_seconds')).toISOString(),
    memoryBytes: count('process_resident_memory_bytes'),
    hosts: count('assay_hosts'),
    openFindings: count('assay_findings_open'),
    openAlerts: count('assay_alerts_open'),
    messagesWaiting: count('assay_alert_deliveries_waiting'),
    oldestEvidenceSeconds: count('assay_evidence_age_seconds_max'),
    requests: requestsIn(samples),
  };
}

/** `late` is why it is not ready, or null. */
async function readiness(client: ApiClient): Promise<{ late: string | null; lateSeconds: number | null }> {
  try {
    return { late: null, lateSeconds: (await client.call(ROUTES.ready, Ready)).lateSeconds };
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 503) {
      return { late: error.problem.detail, lateSeconds: null };
    }
    throw error;
  }
}

function statusText({ version, late, lateSeconds, startedAt, memoryBytes, requests, ...counts }: Status): string {
  const colour = colours(1);
  const words =
    late === null ? colour.green(`in time (${lateSeconds?.toFixed(1)} s)`) : colour.red(`late: ${shown(late)}`);
  const head = ['REQUEST', 'ALL', 'REFUSED', 'FAILED'].map((title) => colour.dim(title));
  return [
    `verifier ${version}  ${words}  started ${ago(startedAt)}, ${Math.round(memoryBytes / 2 ** 20)} MiB\n`,
    `${counts.hosts} hosts, ${counts.openFindings} open findings, ${counts.openAlerts} open alerts, `,
    `${counts.messagesWaiting} messages on the way\n`,
    `oldest evidence that a verdict rests on: ${Math.round(counts.oldestEvidenceSeconds)} s\n\n`,
    table([
      head,
      ...requests.map(({ route, answered, refused, failed }) => [route, `${answered}`, `${refused}`, `${failed}`]),
    ]),
  ].join('');
}
