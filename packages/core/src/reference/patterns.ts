import { nameMatcher } from '../bytes/index.ts';
import type { Exclude } from './document.ts';

/** Tells whether a name is one that a pattern is for. */
export type Matcher = (name: string) => boolean;

/** Compiles regular expressions of RE2, which match from the beginning of a name; in linear time. */
export interface PatternCompiler {
  /** @throws FormatError REFERENCE-PATTERN */
  compile(pattern: string): Matcher;
}

/** @throws FormatError REFERENCE-PATTERN */
export function excludeMatcher({ form, pattern }: Pick<Exclude, 'form' | 'pattern'>, regex: PatternCompiler): Matcher {
  return form === 'glob' ? nameMatcher(pattern) : regex.compile(pattern);
}
