import type { Measurement } from '@assay/wire';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type RefObject, useLayoutEffect, useRef, useState } from 'react';
import { arrivalKey, useArrivals } from '../../state/arrivals.ts';
import { useRowCursor } from '../../state/row-cursor.ts';
import { MeasurementRow } from './measurement-row.tsx';

const ROW_ESTIMATE = 44;

/** Who reads further down keeps the same rows before the eyes when new ones come on top. */
function useSteadyScroll(box: RefObject<HTMLDivElement | null>, rows: readonly Measurement[]): void {
  const newest = useRef<number | undefined>(undefined);
  useLayoutEffect(() => {
    const added = rows.findIndex((row) => row.entry === newest.current);
    newest.current = rows[0]?.entry;
    if (added > 0 && (box.current?.scrollTop ?? 0) > 0) box.current?.scrollBy({ top: added * ROW_ESTIMATE });
  }, [box, rows]);
}

/** The scrolling box, and those rows that are in view: a list of any length scrolls smoothly. */
function useRowsInView(rows: readonly Measurement[]) {
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_ESTIMATE,
    getItemKey: (index) => rows[index]?.entry ?? index,
    overscan: 8,
  });
  useSteadyScroll(box, rows);
  const focusRow = (index: number, entry: number) => {
    virtual.scrollToIndex(index);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-entry="${entry}"] > button`)?.focus());
  };
  return { box, virtual, focusRow };
}

export function MeasurementList({ hostName, rows }: { hostName: string; rows: readonly Measurement[] }) {
  const { box, virtual, focusRow } = useRowsInView(rows);
  const cursor = useRowCursor(rows, focusRow);
  const arrivals = useArrivals();
  const [open, setOpen] = useState<number | null>(null);
  const toggle = (entry: number) => {
    cursor.choose(entry);
    setOpen(open === entry ? null : entry);
  };
  const items = virtual.getVirtualItems();
  // When the row of the cursor is scrolled out of the document, Tab must still find a row.
  const reachable = items.some(({ index }) => index === cursor.index) ? cursor.index : items[0]?.index;
  return (
    <div ref={box} className="max-h-[min(70vh,46rem)] overflow-y-auto overscroll-contain">
      <ol className="relative" style={{ height: virtual.getTotalSize() }}>
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
                arrived={arrivals.has(arrivalKey(hostName, row.entry))}
                open={open === row.entry}
                reachable={index === reachable}
                onToggle={() => toggle(row.entry)}
                onKeyDown={cursor.onKeyDown}
              />
            </li>
          );
        })}
      </ol>
    </div>
  );
}
