import {
  ACCESS,
  acceptedRules,
  activate,
  checkPolicy,
  parsePolicy,
  plainSubject,
  type ActiveOptions,
  type ActivePolicy,
  type KernelProfile,
  type PolicyEvent,
} from '@assay/core/policy';

/** The policy that a kernel holds, every rule of which it must accept. */
export function policyOf(text: string, profile: KernelProfile, options?: ActiveOptions): ActivePolicy {
  const { rules } = checkPolicy(parsePolicy(text), profile);
  const refused = rules.flatMap((rule) => (rule.accepted ? [] : [`line ${rule.line}: ${rule.refusal.message}`]));
  if (refused.length > 0) throw new Error(refused.join('; '));
  return activate(acceptedRules(rules), profile, options);
}

/** A file of root on ext4. */
export const FILE = {
  magic: 0xef53n,
  type: 'ext4',
  subtype: '',
  uuid: '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9',
  owner: 0,
  group: 0,
} as const;

/** Root reads it. */
export const READ: PolicyEvent = {
  func: 'FILE_CHECK',
  mask: ACCESS.MAY_READ,
  subject: plainSubject(0, 0),
  file: FILE,
};
