/** Lengths of digests in hexadecimal digits. */
const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [40, 'sha1'],
  [64, 'sha256'],
  [96, 'sha384'],
  [128, 'sha512'],
]);

/** A list of indicators is no longer than this. */
export const INDICATORS_MOST = 500;

/** The digests in a text, whatever stands around them: each once, with its algorithm by its length where none is named. */
export function digestsIn(text: string): string[] {
  const found = text.toLowerCase().matchAll(/(?<![0-9a-f])(?:([a-z0-9-]{3,20}):)?([0-9a-f]{40,128})(?![0-9a-f])/g);
  const digests = Array.from(found, ([, named, hex = '']) => {
    const algorithm = named ?? ALGORITHMS.get(hex.length);
    return algorithm === undefined ? [] : [`${algorithm}:${hex}`];
  });
  return [...new Set(digests.flat())].slice(0, INDICATORS_MOST);
}
