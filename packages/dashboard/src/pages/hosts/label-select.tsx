import type { HostLine } from '@assay/wire';
import { labelWords } from '@assay/wire/host-filter';
import { useMemo } from 'react';
import { byText } from '../../parts/table/column.ts';
import { numberWords } from '../../text/numbers.ts';

interface Props {
  readonly hosts: readonly HostLine[];
  readonly chosen: string | undefined;
  readonly onChoose: (label: string | undefined) => void;
}

const nameOf = (label: string): string => label.slice(0, label.indexOf('='));

/** Each label with the number of its hosts, by its name; nothing where no host has one. */
export function LabelSelect({ hosts, chosen, onChoose }: Props) {
  const groups = useMemo(() => {
    const counts = new Map<string, number>();
    for (const label of hosts.flatMap(({ labels }) => labelWords(labels)))
      counts.set(label, (counts.get(label) ?? 0) + 1);
    if (chosen !== undefined && !counts.has(chosen)) counts.set(chosen, 0);
    return Map.groupBy(
      [...counts].toSorted(([a], [b]) => byText(a, b)),
      ([label]) => nameOf(label),
    );
  }, [hosts, chosen]);
  if (groups.size === 0) return null;
  return (
    <select
      aria-label="Filter by label"
      value={chosen ?? ''}
      onChange={({ target: { value } }) => onChoose(value === '' ? undefined : value)}
      className="field max-w-60"
    >
      <option value="">Any label</option>
      {Array.from(groups, ([name, labels]) => (
        <optgroup key={name} label={name}>
          {labels.map(([label, count]) => (
            <option key={label} value={label}>
              {label} ({numberWords(count)})
            </option>
          ))}
        </optgroup>
      ))}
    </select>
  );
}
