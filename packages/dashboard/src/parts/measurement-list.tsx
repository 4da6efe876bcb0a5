import type { Measurement } from '@assay/wire';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useRef, useState } from 'react';
import { arrivalKey, useArrivals } from '../state/arrivals.ts';
import { MeasurementRow } from './measurement-row.tsx';

const ROW_ESTIMATE = 44;
const PAGE_ROWS = 10;

/** Where a key leads from a row; null for keys that are none of ours. */
function destination(key: string, from: number, last: number): number | null {
  if (key === 'ArrowDown') return Math.min(from + 1, last);
  if (key === 'ArrowUp') return Math.max(from - 1, 0);
  if (key === 'PageDown') return Math.min(from + PAGE_ROWS, last);
  if (key === 'PageUp') return Math.max(from - PAGE_ROWS, 0);
  if (key === 'Home') return 0;
  return key === 'End' ? last : null;
}

/** Only the rows in view are in the document, so that a list of any length scrolls smoothly. */
export function MeasurementList({ hostId, rows }: { hostId: string; rows: readonly Measurement[] }) {
  const box = useRef<HTMLDivElement>(null);
  const arrivals = useArrivals();
  const [open, setOpen] = useState<number | null>(null);
  const [active, setActive] = useState<number | null>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_ESTIMATE,
    getItemKey: (index) => rows[index]?.entry ?? index,
    overscan: 8,
  });
  const activeIndex = Math.max(
    0,
    rows.findIndex((row) => row.entry === active),
  );

  const focusRow = (index: number) => {
    const entry = rows[index]?.entry;
    if (entry === undefined) return;
    setActive(entry);
    virtual.scrollToIndex(index);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-entry="${entry}"] > button`)?.focus());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const index = destination(event.key, activeIndex, rows.length - 1);
    if (index === null) return;
    event.preventDefault();
    focusRow(index);
  };
  const toggle = (entry: number) => {
    setActive(entry);
    setOpen(open === entry ? null : entry);
  };

  const items = virtual.getVirtualItems();
  // When the active row is scrolled out of the document, Tab must still find a row.
  const reachable = items.some(({ index }) => index === activeIndex) ? activeIndex : items[0]?.index;
  return (
    <div ref={box} className="h-[min(70vh,46rem)] overflow-y-auto overscroll-contain">
      <ol className="relative" onKeyDown={onKeyDown} style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, key, start }) => {
          const row = rows[index];
          if (row === undefined) return null;
          return (
            <li
              key={key}
              ref={virtual.measureElement}
              data-index={index}
              aria-setsize={rows.length}
              aria-posinset={index + 1}
              className="absolute inset-x-0 top-0"
              style={{ transform: `translateY(${start}px)` }}
            >
              <MeasurementRow
                row={row}
                arrived={arrivals.has(arrivalKey(hostId, row.entry))}
                open={open === row.entry}
                reachable={index === reachable}
                onToggle={() => toggle(row.entry)}
              />
            </li>
          );
        })}
      </ol>
    </div>
  );
}
