import type { Measurement } from '@assay/wire';
import { STATUS_WORDS } from '../../text/host.ts';
import { numberWords } from '../../text/numbers.ts';
import { STATUS_TONES } from '../../text/tone.ts';
import { Icon } from '../../parts/icon.tsx';
import { STATUS_ICONS } from '../../parts/icons.ts';

export type Status = Measurement['status'];

const ORDER: readonly Status[] = [
  'denied',
  'unknown',
  'changed',
  'violation',
  'excluded',
  'unjudged',
  'known',
  'signed',
  'engine-record',
  'boot-aggregate',
];

interface FilterProps {
  rows: readonly Measurement[];
  text: string;
  onText: (text: string) => void;
  status: Status | null;
  onStatus: (status: Status | null) => void;
}

function StatusButton({
  status,
  count,
  on,
  onClick,
}: {
  status: Status;
  count: number;
  on: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onClick}
      data-tone={STATUS_TONES[status]}
      className={`flex items-center gap-1.5 rounded-full border px-2.5 py-1 text-xs font-medium ${on ? 'border-tone-solid bg-tone-soft text-tone' : 'border-line text-muted hover:border-line-strong'}`}
    >
      <Icon name={STATUS_ICONS[status]} className="size-3.5 stroke-[2.6] text-tone" />
      {STATUS_WORDS[status]}
      <span className="digits">{numberWords(count)}</span>
    </button>
  );
}

/** Text and status; a status that no entry has is not offered. */
export function MeasurementFilter({ rows, text, onText, status, onStatus }: FilterProps) {
  const counts = Map.groupBy(rows, (row) => row.status);
  return (
    <div className="flex flex-wrap items-center gap-2 border-b border-line p-3 sm:p-4">
      <label className="relative min-w-0 flex-1 basis-64">
        <span className="sr-only">Filter by filename hint, digest or entry number</span>
        <Icon name="search" className="absolute start-2.5 top-2.5 size-4 text-muted" />
        <input
          type="search"
          value={text}
          onChange={(event) => onText(event.target.value)}
          placeholder="Path, digest or entry number"
          className="w-full rounded-lg border border-line-strong bg-surface py-1.5 ps-8 pe-2 text-sm placeholder:text-muted"
        />
      </label>
      <div role="group" aria-label="Filter by status" className="flex flex-wrap gap-1.5">
        {ORDER.map((name) => {
          const count = counts.get(name)?.length ?? 0;
          if (count === 0 && status !== name) return null;
          const on = status === name;
          return (
            <StatusButton key={name} status={name} count={count} on={on} onClick={() => onStatus(on ? null : name)} />
          );
        })}
      </div>
    </div>
  );
}
