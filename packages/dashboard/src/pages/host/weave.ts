const CENTRE = 100;
const MIDDLE = 72;
const AMPLITUDE = 14;
const WAVES = 12;
const STRANDS = 8;
const STEPS = 240;

function point(step: number, phase: number): string {
  const angle = (2 * Math.PI * step) / STEPS;
  const radius = MIDDLE + AMPLITUDE * Math.cos(WAVES * angle + phase);
  return `${(CENTRE + radius * Math.cos(angle)).toFixed(2)} ${(CENTRE + radius * Math.sin(angle)).toFixed(2)}`;
}

function strand(phase: number): string {
  const points = Array.from({ length: STEPS }, (_, step) => point(step, phase));
  return `M${points.join('L')}Z`;
}

/** Paths of a guilloche ring: waves around a circle of a 200 by 200 field, each a part of a turn further. */
export const WEAVE: readonly string[] = Array.from({ length: STRANDS }, (_, n) => strand((2 * Math.PI * n) / STRANDS));
