import { Health, ProblemError, Ready, ROUTES, type ApiClient } from '@assay/wire';
import { requestsIn, routeWords, samplesIn, total } from '@assay/wire/samples';
import { reader } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { plural } from '../output/plural.ts';
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
  /** Without its store a verifier knows of no host. */
  const counted = (name: string): number | null =>
    samples.some((sample) => sample.name === name) ? count(name) : null;
  return {
    version,
    ...ready,
    startedAt: new Date(1000 * count('process_start_time_seconds')).toISOString(),
    memoryBytes: count('process_resident_memory_bytes'),
    hosts: counted('assay_hosts'),
    openFindings: counted('assay_hosts') === null ? null : count('assay_findings_open'),
    openAlerts: counted('assay_alerts_open'),
    messagesWaiting: counted('assay_alert_deliveries_waiting'),
    oldestEvidenceSeconds: counted('assay_evidence_age_seconds_max'),
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
    fleetText(counts),
    table([
      head,
      ...requests.map((count) => [routeWords(count), `${count.answered}`, `${count.refused}`, `${count.failed}`]),
    ]),
  ].join('');
}

function fleetText({
  hosts,
  openFindings,
  openAlerts,
  messagesWaiting,
  oldestEvidenceSeconds,
}: Pick<Status, 'hosts' | 'openFindings' | 'openAlerts' | 'messagesWaiting' | 'oldestEvidenceSeconds'>): string {
  if (hosts === null) return 'Nothing is known of its hosts while its store does not answer.\n\n';
  const counts = [
    plural(hosts, 'host'),
    plural(openFindings ?? 0, 'open finding'),
    plural(openAlerts ?? 0, 'open alert'),
    `${plural(messagesWaiting ?? 0, 'message')} on the way`,
  ].join(', ');
  return `${counts}\noldest evidence that a verdict rests on: ${Math.round(oldestEvidenceSeconds ?? 0)} s\n\n`;
}
