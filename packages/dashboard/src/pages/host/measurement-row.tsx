import type { Measurement } from '@assay/wire';
import type { KeyboardEvent } from 'react';
import { STATUS_WORDS } from '../../text/host.ts';
import { numberWords } from '../../text/numbers.ts';
import { STATUS_TONES } from '../../text/tone.ts';
import { Badge } from '../../parts/badge.tsx';
import { FullValue, ShortDigest } from '../../parts/digest.tsx';
import { FilenameHint } from '../../parts/filename-hint.tsx';
import { STATUS_ICONS } from '../../parts/icons.ts';
import { ClockTime } from '../../parts/time-text.tsx';

export interface RowProps {
  row: Measurement;
  arrived: boolean;
  open: boolean;
  /** The one row that the Tab key reaches; arrow keys go on from there. */
  reachable: boolean;
  onToggle: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

export function MeasurementRow({ row, arrived, open, reachable, onToggle, onKeyDown }: RowProps) {
  return (
    <div
      data-tone={STATUS_TONES[row.status]}
      data-status={row.status}
      data-entry={row.entry}
      className={`border-b border-line ${arrived ? 'arrived' : ''}`}
    >
      <button
        type="button"
        aria-expanded={open}
        tabIndex={reachable ? 0 : -1}
        onClick={onToggle}
        onKeyDown={onKeyDown}
        className="measurement-grid w-full px-3 py-2 text-start -outline-offset-2 hover:bg-sunken sm:px-4"
      >
        <span className="digits text-end text-xs text-muted [grid-area:entry]">{numberWords(row.entry)}</span>
        <span className="flex [grid-area:status]">
          <Badge tone={STATUS_TONES[row.status]} icon={STATUS_ICONS[row.status]}>
            {STATUS_WORDS[row.status]}
          </Badge>
        </span>
        <span className="min-w-0 [grid-area:hint]">
          <FilenameHint hint={row.filenameHint} />
        </span>
        <span className="[grid-area:digest]">
          <ShortDigest digest={row.digest} />
        </span>
      </button>
      {open && <Details row={row} />}
    </div>
  );
}

function Details({ row }: { row: Measurement }) {
  return (
    <dl className="grid gap-x-6 gap-y-2 bg-sunken px-4 py-4 text-sm sm:grid-cols-[auto_1fr] sm:ps-8">
      <dt className="text-muted">Filename hint</dt>
      <dd className="min-w-0">
        <FullValue value={row.filenameHint} what="filename hint" />
      </dd>
      <dt className="text-muted">Digest</dt>
      <dd className="min-w-0">
        <FullValue value={row.digest} what="digest" />
      </dd>
      <dt className="text-muted">Template digest</dt>
      <dd className="min-w-0">
        <FullValue value={row.templateDigest} what="template digest" />
      </dd>
      <dt className="text-muted">Recorded as</dt>
      <dd>
        {row.template} in PCR {row.pcr}, received <ClockTime at={row.receivedAt} />
      </dd>
    </dl>
  );
}
