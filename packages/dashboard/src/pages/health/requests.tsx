import { requestsIn, type Sample } from '@assay/wire/samples';
import { numberWords } from '../../text/numbers.ts';

function Count({ value }: { value: number }) {
  return <td className={`digits px-3 py-1.5 text-end ${value === 0 ? 'text-muted' : ''}`}>{numberWords(value)}</td>;
}

/** What the verifier was asked, the most often first. */
export function Requests({ samples }: { samples: readonly Sample[] }) {
  return (
    <div className="card overflow-hidden">
      <table className="w-full text-sm">
        <thead>
          <tr className="border-b border-line-strong">
            <th scope="col" className="px-3 py-2 text-start eyebrow">
              Request
            </th>
            {['All', 'Refused', 'Failed'].map((title) => (
              <th key={title} scope="col" className="px-3 py-2 text-end eyebrow">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {requestsIn(samples).map(({ route, answered, refused, failed }) => (
            <tr key={route} className="border-b border-line last:border-0">
              <th scope="row" className="px-3 py-1.5 text-start font-mono text-xs font-normal wrap-anywhere">
                {route}
              </th>
              <Count value={answered} />
              <Count value={refused} />
              <Count value={failed} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
