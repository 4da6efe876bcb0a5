import type { Verdict } from '@assay/wire';

/** Where a cell is, and how large; all in pixels of the page. */
export interface Layout {
  readonly columns: number;
  readonly cell: number;
  readonly height: number;
}

const GAP = 0.16;
const LARGEST = 26;
const SMALLEST = 6;
/** Fleets fill about this many pixels of height before their cells get smaller. */
const HEIGHT_WANTED = 260;

/** Cells as large as the width and a reasonable height allow. */
export function layoutOf(hosts: number, width: number): Layout {
  const fitting = Math.sqrt((width * HEIGHT_WANTED) / Math.max(1, hosts));
  const cell = Math.max(SMALLEST, Math.min(LARGEST, Math.floor(fitting)));
  const columns = Math.max(1, Math.floor(width / cell));
  return { columns, cell, height: Math.ceil(hosts / columns) * cell };
}

/** The index of the host at a place, which may be none. */
export function hostAt({ columns, cell }: Layout, x: number, y: number): number | null {
  const column = Math.floor(x / cell);
  return column < 0 || column >= columns || y < 0 ? null : Math.floor(y / cell) * columns + column;
}

/** Where the mark of a host begins, in pixels from the corner of the grid. */
export function placeOf({ columns, cell }: Layout, index: number): { x: number; y: number } {
  return { x: (index % columns) * cell, y: Math.floor(index / columns) * cell };
}

/** Where a key leads from a mark; null for keys that move nothing, and where there is none. */
export function stepFrom(index: number, key: string, columns: number, hosts: number): number | null {
  if (key === 'Home') return 0;
  if (key === 'End') return hosts - 1;
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
  };
  const step = steps[key];
  if (step === undefined) return null;
  const next = index + step;
  return next < 0 || next >= hosts ? null : next;
}

/** A shape for each verdict besides its colour: what is well is a plain square, what is not differs in outline. */
function drawShape(context: CanvasRenderingContext2D, verdict: Verdict, x: number, y: number, size: number): void {
  const line = Math.max(1, size * 0.16);
  context.lineWidth = line;
  if (verdict === 'stale') {
    context.strokeRect(x + line / 2, y + line / 2, size - line, size - line);
    return;
  }
  if (verdict === 'pending') {
    context.fillRect(x + size * 0.35, y + size * 0.35, size * 0.3, size * 0.3);
    return;
  }
  context.beginPath();
  if (verdict === 'warning') {
    context.moveTo(x + size / 2, y);
    context.lineTo(x + size, y + size);
    context.lineTo(x, y + size);
  } else if (verdict === 'unverified') {
    context.arc(x + size / 2, y + size / 2, size / 2, 0, 2 * Math.PI);
  } else {
    context.rect(x, y, size, size);
  }
  context.fill();
  if (verdict !== 'failed') return;
  // A cross cut out of the square.
  context.save();
  context.globalCompositeOperation = 'destination-out';
  context.beginPath();
  context.moveTo(x + size * 0.2, y + size * 0.2);
  context.lineTo(x + size * 0.8, y + size * 0.8);
  context.moveTo(x + size * 0.8, y + size * 0.2);
  context.lineTo(x + size * 0.2, y + size * 0.8);
  context.stroke();
  context.restore();
}

/** Draws all hosts; ten thousand of them take a few milliseconds. */
export function drawGrid(
  canvas: HTMLCanvasElement,
  verdicts: readonly Verdict[],
  layout: Layout,
  colours: Readonly<Record<Verdict, string>>,
): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const scale = window.devicePixelRatio;
  const { columns, cell } = layout;
  canvas.width = Math.ceil(columns * cell * scale);
  canvas.height = Math.ceil(layout.height * scale);
  context.scale(scale, scale);
  const inset = (cell * GAP) / 2;
  for (const [index, verdict] of verdicts.entries()) {
    context.fillStyle = colours[verdict];
    context.strokeStyle = colours[verdict];
    const x = (index % columns) * cell + inset;
    drawShape(context, verdict, x, Math.floor(index / columns) * cell + inset, cell - 2 * inset);
  }
}
