import type { HostDetail } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { hostQuery } from '../api/queries.ts';
import { countWords } from '../text/numbers.ts';
import { ProblemText } from './problem-text.tsx';
import { Rung } from './rung.tsx';
import { Section } from './section.tsx';
import { SkeletonRows } from './skeleton.tsx';

function summary(ladder: HostDetail['ladder']): string {
  const holding = ladder.filter((rung) => rung.state === 'ok').length;
  return `${holding} of ${countWords(ladder.length, 'rung holds', 'rungs hold')}`;
}

/** From the TPM's identity down to the reference values: each rung rests on the one above it. */
export function Ladder({ hostId }: { hostId: string }) {
  const { data, error } = useQuery(hostQuery(hostId));
  const aside = data && <p className="digits text-sm text-muted">{summary(data.ladder)}</p>;
  return (
    <Section id="ladder" title="Chain of trust" aside={aside}>
      <div className="card p-6">
        {data === undefined && error === null && <SkeletonRows rows={6} />}
        {data === undefined && error !== null && <ProblemText error={error} />}
        {data !== undefined && (
          <ol>
            {data.ladder.map((rung, index) => (
              <Rung key={rung.rung} rung={rung} last={index === data.ladder.length - 1} />
            ))}
          </ol>
        )}
      </div>
    </Section>
  );
}
