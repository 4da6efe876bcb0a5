const grouped = new Intl.NumberFormat('en').format;

/** `3,121 entries`, `1 entry`. */
export function countWords(count: number, one: string, many: string): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

export const numberWords = (count: number): string => grouped(count);
