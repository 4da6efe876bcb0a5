import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ProblemText } from './problem-text.tsx';
import { SkeletonRows } from './skeleton.tsx';

interface LoadedProps<Data> {
  readonly query: UseQueryResult<Data>;
  /** Stands there until the first answer. */
  readonly skeleton?: ReactNode;
  readonly children: (data: Data) => ReactNode;
}

/**
 * What a query answered, or that it has not yet, or why not. When a later answer fails, what was there stays, and
 * says so.
 */
export function Loaded<Data>({ query: { data, error }, skeleton, children }: LoadedProps<Data>) {
  if (data === undefined)
    return error === null ? (skeleton ?? <SkeletonRows rows={5} />) : <ProblemText error={error} />;
  return (
    <>
      {error !== null && <ProblemText error={error} />}
      {children(data)}
    </>
  );
}
