/** Resident memory, bytes, at a time in milliseconds. */
export interface Sample {
  readonly at: number;
  readonly engine: number;
  readonly supervisor: number;
}

/** By how many bytes each grows in the second half, by the line that fits best (least squares). */
export function growth(samples: readonly Sample[]): { readonly engine: number; readonly supervisor: number } {
  const later = samples.slice(Math.floor(samples.length / 2));
  const span = (later.at(-1)?.at ?? 0) - (later[0]?.at ?? 0);
  const of = (name: 'engine' | 'supervisor'): number => slope(later.map((sample) => [sample.at, sample[name]])) * span;
  return { engine: of('engine'), supervisor: of('supervisor') };
}

function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (index: 0 | 1): number => points.reduce((sum, point) => sum + point[index], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const spread = points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0) / spread;
}
