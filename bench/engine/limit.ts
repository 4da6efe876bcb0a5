/** Says a ratio and whether it is within its limit. */
export function limit(what: string, ratio: number, most: number): void {
  console.log(`${what}: ${ratio.toFixed(2)} (${ratio <= most ? 'within' : 'over'} the limit of ${most})`);
}

export function atLeast(what: string, ratio: number, least: number): void {
  console.log(`${what}: ${ratio.toFixed(2)} (${ratio >= least ? 'within' : 'below'} the limit of ${least})`);
}
