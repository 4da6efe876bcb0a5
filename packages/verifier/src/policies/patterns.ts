import { FormatError } from '@assay/core/errors';
import type { PatternCompiler } from '@assay/core/reference';
import { RE2JS, RE2JSException } from 're2js';

/** Regular expressions of operators, in time linear in the name (RE2). */
export const re2Patterns: PatternCompiler = {
  compile(pattern) {
    const compiled = compile(pattern);
    return (name) => compiled.matcher(name).lookingAt();
  },
};

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new FormatError('REFERENCE-PATTERN', `${JSON.stringify(pattern.slice(0, 100))}: ${error.message}`);
  }
}
