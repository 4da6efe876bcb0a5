import { globSync } from 'node:fs';
import { resolve } from 'node:path';

/** The directory that holds the root package.json. */
export const ROOT = resolve(import.meta.dirname, '..');

const SOURCES = ['packages/*/{src,test,bin}/**/*.{ts,tsx,js}', 'packages/*/*.ts', 'scripts/**/*.ts', 'bench/**/*.ts'];

/** Every file of the project that is TypeScript or runs as JavaScript, relative to `root`, sorted. */
export function sourceFiles(root: string): string[] {
  const found = globSync(SOURCES, { cwd: root, exclude: ['**/node_modules/**'] });
  return found.toSorted();
}
