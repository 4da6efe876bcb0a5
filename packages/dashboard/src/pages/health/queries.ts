import { ROUTES } from '@assay/wire/routes';
import { queryOptions } from '@tanstack/react-query';
import { ApiProblem, isObject, request } from '../../api/documents.ts';
import { type Sample, samplesIn, total } from '@assay/wire/samples';

/** What the verifier says of itself has no events, so this one page asks again while it is shown. */
const AGAIN_MS = 5000;

export interface Watch {
  readonly version: string;
  readonly hosts: number;
  readonly ready: { readonly lateSeconds: number } | { readonly why: string };
  readonly samples: readonly Sample[];
  /** Rounds and requests that failed, for each second since the look before; null at the first. */
  readonly rates: { readonly rounds: number; readonly failures: number } | null;
}

interface Counts {
  readonly at: number;
  readonly rounds: number;
  readonly failures: number;
}

let before: Counts | null = null;

const EVIDENCE = { route: ROUTES.evidence };

function ratesOf(samples: readonly Sample[]): Watch['rates'] {
  const failed = samples.filter(
    ({ name, labels }) => name === 'assay_http_requests_total' && labels['status']?.startsWith('5') === true,
  );
  const now = {
    at: performance.now(),
    rounds: total(samples, 'assay_http_request_seconds_count', EVIDENCE),
    failures: failed.reduce((sum, { value }) => sum + value, 0),
  };
  const last = before;
  before = now;
  if (last === null || now.rounds < last.rounds || now.at - last.at < 1) return null;
  const seconds = (now.at - last.at) / 1000;
  return { rounds: (now.rounds - last.rounds) / seconds, failures: (now.failures - last.failures) / seconds };
}

/** A member of an answer that has no schema. */
async function memberOf(path: string, name: string, signal: AbortSignal): Promise<unknown> {
  const body: unknown = await (await request(path, { signal })).json();
  return isObject(body) ? body[name] : undefined;
}

async function readReady(signal: AbortSignal): Promise<Watch['ready']> {
  try {
    return { lateSeconds: Number(await memberOf(ROUTES.ready, 'lateSeconds', signal)) };
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.status === 503) return { why: error.problem.detail };
    throw error;
  }
}

export const watchQuery = queryOptions({
  queryKey: ['watch'],
  refetchOnMount: 'always',
  refetchInterval: AGAIN_MS,
  queryFn: async ({ signal }): Promise<Watch> => {
    const version = String(await memberOf(ROUTES.health, 'version', signal));
    const ready = await readReady(signal);
    const samples = samplesIn(await (await request(ROUTES.metrics, { signal })).text());
    return { version, hosts: total(samples, 'assay_hosts'), ready, samples, rates: ratesOf(samples) };
  },
});
