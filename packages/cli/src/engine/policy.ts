import { VerificationError } from '@assay/core/errors';
import { ExplainedFile } from '@assay/engine';
import {
  builtinEnginePolicy,
  checkPolicySignature,
  policyOfText,
  signedPolicyText,
  type engineProfile,
  type EnginePolicy,
} from '@assay/engine/decision';
import { boundedContent } from '../bounded-file.ts';
import { isFileError, UsageError } from '../exit.ts';
import { readLabelKeys } from '../labels/certificates.ts';
import { isEnvelope, trustedKeys } from '../reference/files.ts';
import type { Deciding } from './options.ts';

/** Far over any policy, in an envelope or not, and over any label, that is used. */
const LONGEST_POLICY = 16 * 1024 * 1024;
const LONGEST_LABEL = 65_536;
const BUILTIN = 'builtin:';

type Options = Pick<Deciding, 'policyCert' | 'policyKey'>;

export function isBuiltin(policy: string): boolean {
  return policy.startsWith(BUILTIN);
}

/** Whether every policy needs a signature. */
export function demandsSignature({ policyCert, policyKey }: Options): boolean {
  return policyCert.length + policyKey.length > 0;
}

/**
 * The policy of that name, signed where the options name keys.
 * @throws UsageError; FormatError POLICY-REFUSED, BUILTIN-NAME, ENVELOPE-FORM; VerificationError POLICY-SIGNATURE, IMA-SIG-*,
 *   LABEL-MISSING
 */
export async function choosePolicy(
  name: string,
  options: Options,
  profile: ReturnType<typeof engineProfile>,
): Promise<EnginePolicy> {
  if (!isBuiltin(name)) return policyOfText(name, await policyTextOf(name, options), profile);
  if (demandsSignature(options)) throw new UsageError('--policy-cert and --policy-key are for a policy in a file');
  return builtinEnginePolicy(name, profile);
}

async function policyTextOf(path: string, { policyCert, policyKey }: Options): Promise<Uint8Array> {
  const content = await boundedContent(path, LONGEST_POLICY);
  if (policyKey.length > 0) {
    if (policyCert.length > 0) throw new UsageError('--policy-cert and --policy-key are two ways of signing: name one');
    return signedPolicyText(content, await trustedKeys(policyKey));
  }
  if (policyCert.length > 0) checkPolicySignature(content, await policyLabel(path), await readLabelKeys(policyCert));
  else if (isEnvelope(content)) throw new UsageError(`${path} is a signed policy: name the key with --policy-key`);
  return content;
}

/** Beside the policy, as `evmctl ima_sign --sigfile` writes it, else its security.ima. */
async function policyLabel(path: string): Promise<Uint8Array> {
  try {
    return await boundedContent(`${path}.sig`, LONGEST_LABEL);
  } catch (error) {
    if (!isFileError(error) || error.code !== 'ENOENT') throw error;
  }
  using found = new ExplainedFile(path);
  const label = found.file.xattr('security.ima');
  if (label instanceof Uint8Array) return label;
  throw new VerificationError('LABEL-MISSING', `${path} has no signature in security.ima, and there is no ${path}.sig`);
}
