/** A number and what there are so many of: `1 host`, `2 hosts`. */
export function plural(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? '' : 's'}`;
}
