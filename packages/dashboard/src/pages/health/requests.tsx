import { requestsIn, routeWords, type Sample } from '@assay/wire/samples';
import { Fragment } from 'react';
import { numberWords } from '../../text/numbers.ts';

function Count({ value }: { value: number }) {
  return (
    <td className={`digits px-1.5 py-1.5 text-end sm:px-3 ${value === 0 ? 'text-muted' : ''}`}>{numberWords(value)}</td>
  );
}

/** Breaks between the parts of a path alone, where it has to. */
function Route({ route }: { route: string }) {
  return route.split(/(?<=[ /])/).map((part, index) => (
    // oxlint-disable-next-line react/no-array-index-key -- parts of one text, which never move
    <Fragment key={index}>
      {part}
      <wbr />
    </Fragment>
  ));
}

/** What the verifier was asked, the most often first. */
export function Requests({ samples }: { samples: readonly Sample[] }) {
  return (
    <div className="card overflow-hidden">
      <table className="w-full text-sm max-sm:text-xs">
        <thead>
          <tr className="border-b border-line-strong">
            <th scope="col" className="px-3 py-2 text-start eyebrow">
              Request
            </th>
            {['All', 'Refused', 'Failed'].map((title) => (
              <th key={title} scope="col" className="px-1.5 py-2 text-end eyebrow max-sm:tracking-normal sm:px-3">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {requestsIn(samples).map((count) => (
            <tr key={count.route} className="border-b border-line last:border-0">
              <th scope="row" className="w-full px-3 py-1.5 text-start font-mono text-xs font-normal">
                <Route route={routeWords(count)} />
              </th>
              <Count value={count.answered} />
              <Count value={count.refused} />
              <Count value={count.failed} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
