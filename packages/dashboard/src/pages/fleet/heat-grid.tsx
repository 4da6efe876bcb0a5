import type { HostLine, Verdict } from '@assay/wire';
import { Link, useNavigate } from '@tanstack/react-router';
import {
  type KeyboardEvent,
  type MouseEvent,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { Section } from '../../parts/section.tsx';
import { useBoxWidth } from '../../parts/table/box-width.ts';
import { useTheme } from '../../state/theme.ts';
import { countWords } from '../../text/numbers.ts';
import { VERDICT_TONES } from '../../text/tone.ts';
import { VERDICT_WORDS, VERDICTS_BY_URGENCY } from '../../text/verdict.ts';
import { drawGrid, hostAt, type Layout, layoutOf, placeOf, stepFrom } from './draw-grid.ts';

const LEGEND_CELL = 14;

/** The colours of the theme, read from elements that have them. */
function coloursIn(legend: HTMLElement): Readonly<Record<Verdict, string>> {
  const colourOf = (verdict: Verdict): string => {
    const mark = legend.querySelector(`[data-verdict="${verdict}"]`);
    return mark === null ? '' : getComputedStyle(mark).color;
  };
  return {
    trusted: colourOf('trusted'),
    warning: colourOf('warning'),
    failed: colourOf('failed'),
    stale: colourOf('stale'),
    unverified: colourOf('unverified'),
    pending: colourOf('pending'),
  };
}

function LegendMark({ verdict }: { verdict: Verdict }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    const legend = element?.closest<HTMLElement>('[data-legend]') ?? null;
    if (element === null || legend === null) return;
    drawGrid(element, [verdict], { columns: 1, cell: LEGEND_CELL, height: LEGEND_CELL }, coloursIn(legend));
  }, [verdict]);
  return (
    <li data-tone={VERDICT_TONES[verdict]} data-verdict={verdict} className="flex items-center gap-1.5 text-tone">
      <canvas ref={canvas} className="size-3.5" aria-hidden="true" />
      <span className="text-xs text-muted">{VERDICT_WORDS[verdict]}</span>
    </li>
  );
}

function useDrawing(
  canvas: RefObject<HTMLCanvasElement | null>,
  legend: RefObject<HTMLUListElement | null>,
  verdicts: readonly Verdict[],
  layout: Layout,
): void {
  useLayoutEffect(() => {
    const colours = legend.current === null ? null : coloursIn(legend.current);
    if (canvas.current !== null && colours !== null) drawGrid(canvas.current, verdicts, layout, colours);
  }, [canvas, legend, verdicts, layout]);
}

interface Pointed {
  readonly host: HostLine;
  readonly x: number;
  readonly y: number;
}

function Tip({ host, x, y }: Pointed) {
  return (
    <p
      data-tone={VERDICT_TONES[host.verdict]}
      className="pointer-events-none absolute z-3 rounded-lg border border-tone-line bg-surface px-2.5 py-1 text-xs whitespace-nowrap shadow-lg"
      style={{ left: x, top: y + 18 }}
    >
      <bdi className="font-semibold">{host.name}</bdi>{' '}
      <span className="font-semibold text-tone">{VERDICT_WORDS[host.verdict]}</span>
    </p>
  );
}

interface CursorProps {
  readonly hosts: readonly HostLine[];
  readonly layout: Layout;
  readonly onPoint: (pointed: number | null) => void;
}

/** The one mark that the keyboard is at, as a link over it: one Tab enters the grid and one leaves it, arrows go through it. */
function Cursor({ hosts, layout, onPoint }: CursorProps) {
  const [name, choose] = useState<string | null>(null);
  const index = Math.max(
    0,
    hosts.findIndex((host) => host.name === name),
  );
  const host = hosts[index];
  if (host === undefined) return null;
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = stepFrom(index, event.key, layout.columns, hosts.length);
    if (next === null) return;
    event.preventDefault();
    choose(hosts[next]?.name ?? null);
    onPoint(next);
  };
  const { x, y } = placeOf(layout, index);
  return (
    <Link
      to="/hosts/$host"
      params={{ host: host.name }}
      preload={false}
      aria-label={`${host.name} ${VERDICT_WORDS[host.verdict]}, ${index + 1} of ${hosts.length}`}
      onKeyDown={onKeyDown}
      onFocus={() => onPoint(index)}
      onBlur={() => onPoint(null)}
      className="pointer-events-none absolute"
      style={{ left: x, top: y, width: layout.cell, height: layout.cell }}
    />
  );
}

/** A mark for each host, by name: where it is red, and whether that is one corner or everywhere. Each theme draws anew. */
export function HeatGrid({ hosts }: { hosts: readonly HostLine[] }) {
  return <Grid key={useTheme()} hosts={hosts} />;
}

function Grid({ hosts }: { hosts: readonly HostLine[] }) {
  const navigate = useNavigate();
  const [width, rem, box] = useBoxWidth();
  const canvas = useRef<HTMLCanvasElement>(null);
  const legend = useRef<HTMLUListElement>(null);
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const verdicts = useMemo(() => hosts.map(({ verdict }) => verdict), [hosts]);
  const layout = useMemo(() => layoutOf(hosts.length, Math.max(1, width * rem)), [hosts.length, width, rem]);
  useDrawing(canvas, legend, verdicts, layout);
  const tipFor = (index: number | null, x: number, y: number): Pointed | null => {
    const host = index === null ? undefined : hosts[index];
    return host === undefined ? null : { host, x: Math.min(x, Math.max(0, width * rem - 160)), y };
  };
  const at = ({ nativeEvent: { offsetX: x, offsetY: y } }: MouseEvent): Pointed | null =>
    tipFor(hostAt(layout, x, y), x, y);
  const pointTo = (index: number | null): void => {
    const { x, y } = placeOf(layout, index ?? 0);
    setPointed(tipFor(index, x, y + layout.cell));
  };
  const open = (event: MouseEvent): void => {
    const name = at(event)?.host.name;
    if (name !== undefined) void navigate({ to: '/hosts/$host', params: { host: name } });
  };
  const label = `${countWords(hosts.length, 'host', 'hosts')}, a mark each; arrow keys go through them, and the table of hosts has them in words`;
  return (
    <Section
      id="grid"
      title="Every host"
      aside={
        <ul ref={legend} data-legend className="flex flex-wrap gap-x-3 gap-y-1">
          {VERDICTS_BY_URGENCY.map((verdict) => (
            <LegendMark key={verdict} verdict={verdict} />
          ))}
        </ul>
      }
    >
      <div className="card p-4">
        <div ref={box} className="relative">
          <canvas
            ref={canvas}
            role="img"
            aria-label={label}
            onClick={open}
            onMouseMove={(event) => setPointed(at(event))}
            onMouseLeave={() => setPointed(null)}
            style={{ width: layout.columns * layout.cell, height: layout.height }}
            className="block max-w-full cursor-pointer"
          />
          <Cursor hosts={hosts} layout={layout} onPoint={pointTo} />
          {pointed !== null && <Tip {...pointed} />}
        </div>
      </div>
    </Section>
  );
}
