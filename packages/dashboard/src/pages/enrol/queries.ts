import type { Enrolment, EnrolmentList } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';
import { queryOptions } from '@tanstack/react-query';
import { requestDocument } from '../../api/documents.ts';
import { readPages } from '../../api/queries.ts';

const KEPT = 1000;

/** Machines that wait or waited for a decision, the newest first. */
export const enrolmentsQuery = (state: 'pending' | 'all') =>
  queryOptions({
    queryKey: ['enrolments', state],
    refetchOnMount: 'always',
    queryFn: ({ signal }): Promise<Enrolment[]> =>
      readPages(async (cursor) => {
        const query = { limit: '1000', ...(state === 'pending' ? { state } : {}), ...cursor };
        const address = `${ROUTES.enrolments}?${new URLSearchParams(query)}`;
        const list = await requestDocument<EnrolmentList>(address, 'assay.enrolments.v1', { signal });
        return { rows: list.enrolments, next: list.next };
      }, KEPT),
  });
