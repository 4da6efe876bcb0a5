import type { FleetMeasurementList } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';
import { infiniteQueryOptions } from '@tanstack/react-query';
import { requestDocument } from '../../api/documents.ts';
import type { MeasurementsSearch } from './search.ts';

const PAGE = '200';

/** What the present boots of the fleet measured, page by page. */
export const fleetMeasurementsQuery = ({ q = '', order = 'rare', most }: MeasurementsSearch) =>
  infiniteQueryOptions({
    queryKey: ['fleet-measurements', q, order, most],
    refetchOnMount: 'always',
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const query = {
        limit: PAGE,
        order,
        ...(q === '' ? {} : { text: q }),
        ...(most === undefined ? {} : { mostHosts: String(most) }),
        ...(pageParam === '' ? {} : { cursor: pageParam }),
      };
      const address = `${ROUTES.fleetMeasurements}?${new URLSearchParams(query)}`;
      return requestDocument<FleetMeasurementList>(address, 'assay.fleet-measurements.v1', { signal });
    },
    getNextPageParam: ({ next }) => next,
  });
