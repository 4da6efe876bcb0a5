import { FormatError } from '@assay/core/errors';
import {
  acceptedRules,
  activate,
  builtinPolicy,
  checkPolicy,
  keptRules,
  parseBootPolicy,
  type ActivePolicy,
  type PlacedRule,
} from '@assay/core/policy';
import type { ChosenKernel } from '../kernel-profile.ts';
import { readPolicyFile } from '../policy-file.ts';

const BUILTIN = 'builtin:';

/**
 * The policy that a kernel holds once it has loaded a file, or that it starts with: `builtin:tcb|appraise_tcb`.
 * @param isSecureBoot brings the rules of the architecture
 * @throws FormatError POLICY-REFUSED, BUILTIN-NAME and those of `readPolicyFile`
 */
export async function activePolicy(source: string, kernel: ChosenKernel, isSecureBoot: boolean): Promise<ActivePolicy> {
  const { profile, builtin } = kernel;
  if (source.startsWith(BUILTIN)) {
    const asked = parseBootPolicy(source.slice(BUILTIN.length));
    const { rules, failSecurely } = builtinPolicy(asked, profile, builtin, isSecureBoot);
    return activate(rules, profile, { failSecurely });
  }
  return activate([...keptRules(profile, builtin, isSecureBoot), ...(await loadedRules(source, kernel))], profile);
}

async function loadedRules(path: string, { profile }: ChosenKernel): Promise<PlacedRule[]> {
  const { rules } = checkPolicy(await readPolicyFile(path), profile);
  const refused = rules.find(({ accepted }) => !accepted);
  if (refused?.accepted === false) {
    const { message } = refused.refusal;
    throw new FormatError('POLICY-REFUSED', `line ${refused.line}: ${message}`, { line: refused.line });
  }
  return acceptedRules(rules);
}
