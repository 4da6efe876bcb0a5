import type { HostDetail } from '@assay/wire';
import { countWords } from '../../text/numbers.ts';
import { Rung } from './rung.tsx';
import { Section } from '../../parts/section.tsx';

function summary(ladder: HostDetail['ladder']): string {
  const holding = ladder.filter((rung) => rung.state === 'ok').length;
  return `${holding} of ${countWords(ladder.length, 'rung holds', 'rungs hold')}`;
}

/** From the TPM's identity down to who signed the reference values: each rung rests on the one above it. */
export function Ladder({ ladder }: Pick<HostDetail, 'ladder'>) {
  return (
    <Section id="ladder" title="Chain of trust" aside={<p className="digits text-sm text-muted">{summary(ladder)}</p>}>
      <div className="card p-6">
        <ol>
          {ladder.map((rung, index) => (
            <Rung key={rung.rung} rung={rung} last={index === ladder.length - 1} />
          ))}
        </ol>
      </div>
    </Section>
  );
}
