import type { RuleCode } from '../errors/index.ts';
import type { PolicyToken } from './lines.ts';

/** Why the kernel refuses a rule. Its own answer is only the error number of write(2). */
export interface Refusal {
  readonly code: RuleCode;
  readonly message: string;
  /** Of the word that is wrong, from 1; 1 where the rule as a whole is. */
  readonly column: number;
  readonly errno: 'EINVAL' | 'ERANGE';
}

/** @param token the word that is wrong, where it is one */
export function refusal(code: RuleCode, message: string, token?: PolicyToken): Refusal {
  return { code, message, column: token?.column ?? 1, errno: 'EINVAL' };
}
