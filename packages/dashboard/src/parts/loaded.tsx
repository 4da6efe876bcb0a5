import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { isUnknown, QueryProblem } from './problem-text.tsx';
import { SkeletonRows } from './skeleton.tsx';

interface LoadedProps<Data> {
  readonly query: UseQueryResult<Data>;
  /** Stands there until the first answer. */
  readonly skeleton?: ReactNode;
  readonly children: (data: Data) => ReactNode;
}

/** What the head of a page says of the answer; before there is one, that it is asked for, or that none came. */
export function leadOf<Data>(
  { data, error }: Pick<UseQueryResult<Data>, 'data' | 'error'>,
  words: (data: Data) => ReactNode,
): ReactNode {
  if (data !== undefined) return words(data);
  if (isUnknown(error)) return undefined;
  return error === null ? 'Asking the verifier' : 'No answer';
}

/**
 * What a query answered, or that it has not yet, or why not. When a later answer fails, what was there stays, and
 * says so.
 */
export function Loaded<Data>({ query, skeleton, children }: LoadedProps<Data>) {
  const { data, error } = query;
  if (data === undefined)
    return error === null ? (skeleton ?? <SkeletonRows rows={5} />) : <QueryProblem query={query} />;
  return (
    <>
      <QueryProblem query={query} />
      {children(data)}
    </>
  );
}
