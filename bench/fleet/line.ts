/** Prints a figure, and how it stands to its limit. */
export function line(what: string, value: string, ratio?: number): void {
  const judged = ratio === undefined ? '' : `${ratio.toFixed(2)} of the limit (${ratio <= 1 ? 'within' : 'over'})`;
  console.log(`  ${what.padEnd(44)}${value.padStart(28)}   ${judged}`);
}
