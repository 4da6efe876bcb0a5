import { acceptedRules, activate, checkRule, parsePolicy, type ActivePolicy } from '@assay/core/policy';
import { profileOf, type AskedKernel } from './suite.ts';

/** The policy that a kernel of the lab has after it was given these rules. */
export function activePolicy(text: string, kernel: AskedKernel): ActivePolicy {
  const profile = profileOf(kernel);
  return activate(acceptedRules(parsePolicy(text).map((line) => checkRule(line, profile))), profile);
}
