import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { destination } from '../../state/row-cursor.ts';
import { Icon } from '../icon.tsx';
import { useBoxWidth } from './box-width.ts';
import { type Column, directionOf, type Sort, sorted, STACKED_MORE, turned } from './column.ts';

/** What the one link of a row has to take over: it fills the row, and the keyboard goes from one to the next. */
export interface RowLinkProps {
  readonly tabIndex: number;
  readonly className: string;
  readonly 'data-row-link': true;
}

interface TableProps<Row> {
  /** Names the table for those who do not see it. */
  readonly label: string;
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  /** The first column: a link with what the row is called. */
  readonly first: Pick<Column<Row>, 'title' | 'track' | 'compare'> & {
    readonly id: string;
    readonly link: (row: Row, props: RowLinkProps) => ReactNode;
    /** Width of the table, in rem, under which it has lines of its own over the other columns: sentences are long. */
    readonly stackedBelow?: number;
  };
  readonly columns: readonly Column<Row>[];
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
}

const ROW_REM = 2.75;
const STACKED_ROW_REM = 6;
const LINK =
  'block min-w-0 font-medium outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-focus aria-[current=page]:after:bg-focus/10';

type HeadProps<Row> = Pick<TableProps<Row>, 'columns' | 'sort' | 'onSort'> & { readonly tracks: string };

function Head<Row>({ columns, tracks, sort, onSort }: HeadProps<Row>) {
  return (
    <div role="rowgroup" className="sticky top-0 z-2 border-b border-line-strong bg-surface">
      <div role="row" aria-rowindex={1} className="table-row-grid px-4 py-1.5" style={{ gridTemplateColumns: tracks }}>
        {columns.map(({ id, title, compare, end }) => {
          const direction = directionOf(sort, id);
          return (
            <div
              key={id}
              role="columnheader"
              aria-sort={direction}
              className={`table-cell-own min-w-0 eyebrow ${end ? 'text-end' : ''}`}
            >
              {compare === undefined ? (
                title
              ) : (
                <button
                  type="button"
                  onClick={() => onSort(turned(sort, id))}
                  className="eyebrow inline-flex items-center gap-1 hover:text-ink"
                >
                  {title}
                  {direction !== undefined && (
                    <Icon name={direction === 'ascending' ? 'up' : 'down'} className="size-3.5" />
                  )}
                </button>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

type Cells<Row> = (row: Row, reachable: boolean) => ReactNode;

/**
 * The cells of a row as elements that stay the same while the row does: scrolling renders the table for each row that comes
 * into view, and React passes over what it has rendered already.
 */
function keptCells<Row extends object>(
  columns: readonly Column<Row>[],
  link: (row: Row, props: RowLinkProps) => ReactNode,
): Cells<Row> {
  const kept = [new WeakMap<Row, ReactNode>(), new WeakMap<Row, ReactNode>()] as const;
  return (row, reachable) => {
    const cells = kept[reachable ? 1 : 0];
    const known = cells.get(row);
    if (known !== undefined) return known;
    const made = columns.map(({ id, cell, end }, index) => (
      <div key={id} role="gridcell" className={`table-cell-own min-w-0 ${end ? 'text-end' : ''}`}>
        {index === 0 ? link(row, { tabIndex: reachable ? 0 : -1, className: LINK, 'data-row-link': true }) : cell(row)}
      </div>
    ));
    cells.set(row, made);
    return made;
  };
}

/** The rows in their order, those of them that are in view, and the keys that go through them. */
function useRows<Row>(rows: readonly Row[], rowKey: (row: Row) => string, rowPixels: number) {
  const box = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowPixels,
    overscan: 12,
  });
  useLayoutEffect(() => virtual.measure(), [virtual, rowPixels]);
  const keyAt = (index: number): string | null => {
    const row = rows[index];
    return row === undefined ? null : rowKey(row);
  };
  const items = virtual.getVirtualItems();
  // When the row of the cursor is scrolled out of the document, Tab must still find a row.
  const reachable = items.find(({ index }) => keyAt(index) === cursor)?.index ?? items[0]?.index;
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    const { target } = event;
    const at =
      target instanceof HTMLElement ? target.closest<HTMLElement>('[data-index]')?.dataset['index'] : undefined;
    const next = at === undefined ? null : destination(event.key, Number(at), rows.length - 1);
    if (next === null) return;
    event.preventDefault();
    setCursor(keyAt(next));
    virtual.scrollToIndex(next);
    const link = `[data-index="${next}"] [data-row-link]`;
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(link)?.focus());
  };
  return { box, items, height: virtual.getTotalSize(), reachable, onKeyDown };
}

/**
 * A table of any length: only rows in view are in the document. One Tab enters it and one leaves it; arrow keys go through
 * it, and the row's link is what Enter follows.
 */
export function DataTable<Row extends object>({ label, rows, rowKey, first, columns, sort, onSort }: TableProps<Row>) {
  const [width, rem, measure] = useBoxWidth();
  const all = useMemo(() => [{ ...first, cell: () => null }, ...columns], [first, columns]);
  const stacked = width < (first.stackedBelow ?? 0);
  const room = stacked ? width + STACKED_MORE : width;
  const shown = useMemo(() => all.filter(({ from = 0 }: Column<Row>) => from <= room), [all, room]);
  const ordered = useMemo(() => sorted(rows, all, sort), [rows, all, sort]);
  const { box, items, height, reachable, onKeyDown } = useRows(
    ordered,
    rowKey,
    (stacked ? STACKED_ROW_REM : ROW_REM) * rem,
  );
  const cells = useMemo(() => keptCells(shown, first.link), [shown, first.link]);
  const tracks = (stacked ? shown.slice(1) : shown).map(({ track }) => track);
  const gridTemplateColumns = tracks.join(' ');
  const row = 'table-row-grid absolute inset-x-0 top-0 border-b border-line px-4 text-sm hover:bg-sunken';
  return (
    <div
      ref={box}
      role="grid"
      tabIndex={-1}
      aria-label={label}
      aria-rowcount={ordered.length + 1}
      data-stacked={stacked || undefined}
      className="table-box card"
      onKeyDown={onKeyDown}
    >
      <div ref={measure} aria-hidden="true" />
      <Head columns={shown} tracks={gridTemplateColumns} sort={sort} onSort={onSort} />
      <div role="rowgroup" className="relative" style={{ height }}>
        {items.map(({ index, start, size }) => {
          const shownRow = ordered[index];
          if (shownRow === undefined) return null;
          const style = { gridTemplateColumns, height: size, transform: `translateY(${start}px)` };
          return (
            <div
              key={rowKey(shownRow)}
              role="row"
              aria-rowindex={index + 2}
              data-index={index}
              className={row}
              style={style}
            >
              {cells(shownRow, index === reachable)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
