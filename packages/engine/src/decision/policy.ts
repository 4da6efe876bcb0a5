import { imaSignatureVerdict } from '@assay/core/appraisal';
import { utf8 } from '@assay/core/bytes';
import { parseEnvelope } from '@assay/core/dsse';
import { FormatError, VerificationError } from '@assay/core/errors';
import { hashAlgorithm, HASH_NAMES } from '@assay/core/hash';
import type { LabelKey } from '@assay/core/label';
import { nodeCrypto, nodeHasher, nodeMessageSignatures } from '@assay/core/node';
import {
  acceptedRules,
  builtinPolicy,
  checkPolicy,
  DEBIAN_BUILTIN_OPTIONS,
  kernelForm,
  parseBootPolicy,
  parsePolicyBytes,
  type KernelProfile,
  type PlacedRule,
} from '@assay/core/policy';
import { verifyEnvelope, type TrustedKey } from '@assay/core/reference';

/** Rules of which the engine was told, and where they come from. */
export interface EnginePolicy {
  /** Path, or `builtin:NAMES`. */
  readonly name: string;
  readonly rules: readonly PlacedRule[];
  readonly failSecurely: boolean;
}

/**
 * What the engine does where nobody says otherwise: that of the kernel's `tcb` which bears on what is executed. Reading of
 * files by root, which it measures besides, would make the list long and tell little.
 */
const DEFAULT_RULES: readonly string[] = [
  'measure func=BPRM_CHECK mask=MAY_EXEC',
  'measure func=MMAP_CHECK mask=MAY_EXEC',
  'measure func=MODULE_CHECK',
  'measure func=FIRMWARE_CHECK',
  'measure func=POLICY_CHECK',
  'measure func=CRITICAL_DATA',
];

/** Name of the policy that the engine has by itself. */
export const DEFAULT_POLICY = 'builtin:engine';

/**
 * A policy by its name: that of the engine, or one of the kernel such as `builtin:tcb|appraise_tcb`.
 * @throws FormatError BUILTIN-NAME
 */
export function builtinEnginePolicy(name: string, profile: KernelProfile): EnginePolicy {
  if (name === DEFAULT_POLICY) return policyOfText(name, utf8(`${DEFAULT_RULES.join('\n')}\n`), profile);
  const asked = parseBootPolicy(name.slice(name.indexOf(':') + 1));
  return { name, ...builtinPolicy(asked, profile, DEBIAN_BUILTIN_OPTIONS) };
}

/**
 * A policy as its file holds it. All rules are taken, or none, as the kernel does.
 * @throws FormatError POLICY-REFUSED with the line, POLICY-TEXT
 */
export function policyOfText(name: string, text: Uint8Array, profile: KernelProfile): EnginePolicy {
  const { rules, load, accepted } = checkPolicy(parsePolicyBytes(text), profile);
  const refused = rules.find((rule) => !rule.accepted);
  if (refused?.accepted === false) throw refusedLine(refused.line, refused.refusal.message);
  const [problem] = load;
  if (!accepted && problem !== undefined) throw refusedLine(problem.line, problem.message);
  return { name, rules: acceptedRules(rules), failSecurely: false };
}

function refusedLine(line: number, message: string): FormatError {
  return new FormatError('POLICY-REFUSED', `line ${line}: ${message}`, { line });
}

/**
 * Checks the signature of a policy, which is one of a file: the label that the kernel would find in its security.ima, or
 * that stands in a file beside it.
 * @throws VerificationError IMA-SIG-INVALID, IMA-SIG-KEY-UNKNOWN
 */
export function checkPolicySignature(text: Uint8Array, label: Uint8Array, keys: readonly LabelKey[]): void {
  const algorithm = HASH_NAMES.find((name) => hashAlgorithm(name).kernelId === label[2]);
  const verdict =
    algorithm === undefined
      ? 'invalid'
      : imaSignatureVerdict(label, { algorithm, value: nodeHasher.digest(algorithm, text) }, keys, nodeCrypto);
  if (verdict === 'valid') return;
  if (verdict === 'unknown-key')
    throw new VerificationError('IMA-SIG-KEY-UNKNOWN', 'the policy is signed by a key that is not given');
  throw new VerificationError('IMA-SIG-INVALID', 'the signature of the policy is not one of this text');
}

/** Type of the payload of an envelope with a policy. */
export const POLICY_PAYLOAD_TYPE = 'application/vnd.assay.ima-policy';

/**
 * The text of a policy that one of the keys has signed, in a DSSE envelope.
 * @throws VerificationError POLICY-SIGNATURE; FormatError ENVELOPE-FORM, TEXT-BASE64, BYTES-LIMIT
 */
export function signedPolicyText(envelope: Uint8Array, keys: readonly TrustedKey[]): Uint8Array {
  const parsed = parseEnvelope(envelope);
  if (parsed.payloadType !== POLICY_PAYLOAD_TYPE) {
    throw new FormatError('ENVELOPE-FORM', `the payload is not of the type ${POLICY_PAYLOAD_TYPE}`);
  }
  verifyEnvelope(parsed, keys, nodeMessageSignatures);
  return parsed.payload;
}

/** The rules as a kernel reads them back: the same text for the same rules, however they were written. */
export function policyText({ rules }: Pick<EnginePolicy, 'rules'>, profile: KernelProfile): string {
  return rules.map(({ rule, text }) => `${kernelForm(rule, profile) ?? text}\n`).join('');
}
