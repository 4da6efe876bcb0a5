import type { BootEvent } from '@assay/wire';
import { LongText } from '../../parts/long-text.tsx';
import { Section } from '../../parts/section.tsx';
import { countWords, numberWords } from '../../text/numbers.ts';

const COVERS: Readonly<Record<BootEvent['covers'], string>> = {
  all: 'The digest is of the whole text',
  part: 'The digest is of a part of it',
  nothing: 'A hint: the digest is of something else',
  unmeasured: 'A hint: it was never extended',
  contradicted: 'The text was changed: the digest is of another',
};

/** The events of a boot event log in their order, and what of them is proved. */
export function BootEvents({ events, total }: { events: readonly BootEvent[]; total: number }) {
  const more = total - events.length;
  return (
    <Section
      id="events"
      title="Events"
      aside={<span className="text-sm text-muted">{countWords(total, 'event', 'events')}, in their order</span>}
    >
      <div className="card overflow-hidden">
        <table className="w-full text-sm">
          <thead className="text-start max-sm:sr-only">
            <tr className="border-b border-line-strong">
              {['Event', 'PCR', 'What it says', 'What is proved'].map((title) => (
                <th key={title} scope="col" className="eyebrow px-3 py-2 text-start">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {events.map(({ event, pcr, type, proved, covers, text, digest }) => (
              <tr
                key={event}
                data-event={event}
                className="align-top max-sm:grid max-sm:grid-cols-[4rem_minmax(0,1fr)]"
              >
                <td className="digits px-3 py-2 text-muted">{numberWords(event)}</td>
                <td className="digits px-3 py-2">
                  {pcr <= 23 && (
                    <>
                      <span className="text-muted sm:sr-only">PCR </span>
                      {pcr}
                    </>
                  )}
                </td>
                <td className="px-3 py-2 wrap-anywhere max-sm:col-start-2 max-sm:py-0">
                  <LongText text={text} />
                  <span className="block text-xs text-muted">{type}</span>
                </td>
                <td className="px-3 py-2 text-muted max-sm:col-start-2 max-sm:pt-0" title={digest ?? undefined}>
                  {proved || covers === 'unmeasured' ? COVERS[covers] : 'Nothing'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more > 0 && <p className="mt-2 text-sm text-muted">{numberWords(more)} more are in the evidence of the host.</p>}
    </Section>
  );
}
