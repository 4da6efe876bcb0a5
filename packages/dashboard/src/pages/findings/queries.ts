import type { Finding, FindingDocument, FindingList } from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { queryOptions } from '@tanstack/react-query';
import { requestDocument } from '../../api/documents.ts';
import { readPages } from '../../api/queries.ts';

/** All that is kept of findings stands under this key; an event that one changed makes it old. */
const KEY = 'findings';

const PAGE = '1000';
const OPEN_KEPT = 5000;
const CLOSED_KEPT = 1000;

function readFindings(query: Readonly<Record<string, string>>, most: number, signal: AbortSignal): Promise<Finding[]> {
  return readPages(async (cursor) => {
    const address = `${ROUTES.findings}?${new URLSearchParams({ limit: PAGE, ...query, ...cursor })}`;
    const page = await requestDocument<FindingList>(address, 'assay.findings.v1', { signal });
    return { rows: page.findings, next: page.next };
  }, most);
}

/** The newest first. */
export const allFindingsQuery = (state: 'open' | 'closed') =>
  queryOptions({
    queryKey: [KEY, state],
    refetchOnMount: 'always',
    queryFn: ({ signal }) =>
      readFindings({ open: String(state === 'open') }, state === 'open' ? OPEN_KEPT : CLOSED_KEPT, signal),
  });

export const findingQuery = (id: string) =>
  queryOptions({
    queryKey: [KEY, 'one', id],
    refetchOnMount: 'always',
    queryFn: async ({ signal }) =>
      (await requestDocument<FindingDocument>(route(ROUTES.finding, id), 'assay.finding.v1', { signal })).finding,
  });

/** Open findings with the same code about the same digest and path, this one among them. */
export const sameCauseQuery = ({ code, evidence }: Pick<Finding, 'code' | 'evidence'>) =>
  queryOptions({
    queryKey: [KEY, 'same', code, evidence.digest, evidence.filenameHint],
    refetchOnMount: 'always',
    queryFn: async ({ signal }) => {
      const about = evidence.digest === null ? {} : { digest: evidence.digest };
      const found = await readFindings({ open: 'true', code, ...about }, OPEN_KEPT, signal);
      return found.filter((other) => other.evidence.filenameHint === evidence.filenameHint);
    },
  });
