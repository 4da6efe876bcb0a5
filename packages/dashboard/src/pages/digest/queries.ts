import type { DigestDocument } from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { infiniteQueryOptions } from '@tanstack/react-query';
import { requestDocument } from '../../api/documents.ts';

const PAGE = '500';

export function readDigest(
  digest: string,
  query: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<DigestDocument> {
  const address = `${route(ROUTES.digest, digest)}?${new URLSearchParams(query)}`;
  return requestDocument<DigestDocument>(address, 'assay.digest.v1', signal ? { signal } : {});
}

/** Where a digest was ever measured, the newest boots first. */
export const digestQuery = (digest: string) =>
  infiniteQueryOptions({
    queryKey: ['digest', digest],
    refetchOnMount: 'always',
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      readDigest(digest, { limit: PAGE, ...(pageParam === '' ? {} : { cursor: pageParam }) }, signal),
    getNextPageParam: ({ next }) => next,
  });
