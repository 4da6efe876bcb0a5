import { FormatError } from '../errors/index.ts';
import type { BootPolicy, BuiltinOptions, RequiredSignature } from './builtin-options.ts';
import { checkRule } from './check.ts';
import { KEPT_LINE, type PlacedRule } from './evaluate.ts';
import { kernelForm } from './kernel-form.ts';
import { parsePolicy } from './lines.ts';
import { hasVersion, type KernelProfile } from './profile.ts';
import type { Rule } from './rule.ts';

/** Magic numbers by their names of include/uapi/linux/magic.h. */
const PROC_SUPER = '0x9fa0';
const SYSFS = '0x62656572';
const DEBUGFS = '0x64626720';
const TMPFS = '0x1021994';
const RAMFS = '0x858458f6';
const DEVPTS_SUPER = '0x1cd1';
const BINFMTFS = '0x42494e4d';
const SECURITYFS = '0x73636673';
const SELINUX = '0xf97cff8c';
const SMACK = '0x43415d53';
const CGROUP_SUPER = '0x27e0eb';
const CGROUP2_SUPER = '0x63677270';
const NSFS = '0x6e736673';
const EFIVARFS = '0xde5e81e4';
const CONFIGFS = '0x62656570';

/** A rule of the kernel's tables, which differ from the same text in a policy: they never ask for the blacklist. */
interface BuiltinRule {
  readonly text: string;
  readonly isTable: boolean;
}

/** The rules that are active before a policy is loaded, and what stays of them when one is. */
export interface BuiltinPolicy {
  readonly rules: readonly PlacedRule[];
  readonly failSecurely: boolean;
}

/**
 * The rules with which a kernel starts (ima_init_policy, security/integrity/ima/ima_policy.c), numbered as lines.
 * @param isSecureBoot whether the firmware (EFI) has Secure Boot on, which brings the rules of the architecture
 * @throws FormatError BUILTIN-NAME for `critical_data` before 5.12
 */
export function builtinPolicy(
  asked: BootPolicy,
  profile: KernelProfile,
  options: BuiltinOptions,
  isSecureBoot = false,
): BuiltinPolicy {
  if (asked.criticalData && !hasVersion(profile, '5.12'))
    throw new FormatError('BUILTIN-NAME', 'critical_data is a built-in policy of Linux 5.12 and later');
  const required = options.required.map(signatureRule);
  const rules = [
    ...(asked.measure === undefined ? [] : [...dontMeasure(profile), ...MEASURE[asked.measure]]).map(table),
    ...archRules(profile, options, isSecureBoot),
    ...(asked.secureBoot ? secureBootRules(profile) : required).map(table),
    ...(asked.appraiseTcb ? appraiseRules(profile, options) : []).map(table),
    ...(asked.criticalData ? [table('measure func=CRITICAL_DATA')] : []),
  ];
  return { rules: placed(rules, profile), failSecurely: asked.failSecurely };
}

/** The rules that stand in front of every loaded policy: those of the architecture and of the configuration. */
export function keptRules(profile: KernelProfile, options: BuiltinOptions, isSecureBoot: boolean): PlacedRule[] {
  const rules = [...archRules(profile, options, isSecureBoot), ...options.required.map(signatureRule).map(table)];
  return placed(rules, profile).map((rule) => ({ ...rule, line: KEPT_LINE }));
}

function table(text: string): BuiltinRule {
  return { text, isTable: true };
}

function dontMeasure(profile: KernelProfile): string[] {
  // Since 6.14 what runs from a tmpfs, such as a memfd, is measured.
  const tmpfs = hasVersion(profile, '6.14') ? `func=FILE_CHECK fsmagic=${TMPFS}` : `fsmagic=${TMPFS}`;
  const others = [DEVPTS_SUPER, BINFMTFS, SECURITYFS, SELINUX, SMACK, CGROUP_SUPER, CGROUP2_SUPER, NSFS, EFIVARFS];
  const conditions = [
    ...[PROC_SUPER, SYSFS, DEBUGFS].map(fsmagic),
    tmpfs,
    ...[...others, ...(hasVersion(profile, '7.3') ? [CONFIGFS] : [])].map(fsmagic),
  ];
  return conditions.map((condition) => `dont_measure ${condition}`);
}

function fsmagic(number: string): string {
  return `fsmagic=${number}`;
}

const MEASURE: Readonly<Record<'tcb' | 'original', readonly string[]>> = {
  tcb: [
    'measure func=MMAP_CHECK mask=MAY_EXEC',
    'measure func=BPRM_CHECK mask=MAY_EXEC',
    'measure func=FILE_CHECK mask=^MAY_READ euid=0',
    'measure func=FILE_CHECK mask=^MAY_READ uid=0',
    'measure func=MODULE_CHECK',
    'measure func=FIRMWARE_CHECK',
    'measure func=POLICY_CHECK',
  ],
  original: [
    'measure func=MMAP_CHECK mask=MAY_EXEC',
    'measure func=BPRM_CHECK mask=MAY_EXEC',
    'measure func=FILE_CHECK mask=MAY_READ uid=0',
    'measure func=MODULE_CHECK',
    'measure func=FIRMWARE_CHECK',
  ],
};

/** arch_get_ima_policy of x86 (arch/x86/kernel/ima_arch.c, since 5.11 security/integrity/ima/ima_efi.c) */
function archRules(profile: KernelProfile, options: BuiltinOptions, isSecureBoot: boolean): BuiltinRule[] {
  if (!options.archPolicy || !isSecureBoot) return [];
  const signsPolicies = options.machineKeyring && hasVersion(profile, '6.6');
  const texts = [
    ...(options.kexecSignatures ? [] : ['appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig']),
    'measure func=KEXEC_KERNEL_CHECK',
    ...(options.moduleSignatures ? [] : ['appraise func=MODULE_CHECK appraise_type=imasig']),
    ...(signsPolicies ? ['appraise func=POLICY_CHECK appraise_type=imasig'] : []),
    ...(!signsPolicies && hasVersion(profile, '7.3') ? ['measure func=CRITICAL_DATA label=ima_policy'] : []),
    'measure func=MODULE_CHECK',
  ];
  return texts.map((text) => ({ text, isTable: false }));
}

function secureBootRules(profile: KernelProfile): string[] {
  const module = hasVersion(profile, '7.3') ? 'imasig|modsig' : 'imasig';
  return [
    `appraise func=MODULE_CHECK appraise_type=${module}`,
    ...(['FIRMWARE', 'KEXEC', 'POLICY'] as const).map(signatureRule),
  ];
}

function signatureRule(name: RequiredSignature): string {
  return `appraise func=${name === 'KEXEC' ? 'KEXEC_KERNEL' : name}_CHECK appraise_type=imasig`;
}

function appraiseRules(profile: KernelProfile, options: BuiltinOptions): string[] {
  const pseudo = [PROC_SUPER, SYSFS, DEBUGFS, TMPFS, RAMFS, DEVPTS_SUPER, BINFMTFS, SECURITYFS, SELINUX, SMACK, NSFS];
  const more = [EFIVARFS, CGROUP_SUPER, CGROUP2_SUPER, ...(hasVersion(profile, '7.3') ? [CONFIGFS] : [])];
  return [
    ...[...pseudo, ...more].map((number) => `dont_appraise fsmagic=${number}`),
    ...(options.writePolicy ? [signatureRule('POLICY')] : []),
    options.signedInit ? 'appraise fowner=0 appraise_type=imasig' : 'appraise fowner=0',
  ];
}

function placed(rules: readonly BuiltinRule[], profile: KernelProfile): PlacedRule[] {
  return rules.map(({ text, isTable }, index) => {
    const rule = parsed(text, profile);
    const { appraisal } = rule;
    const held = isTable && !appraisal.modsig ? { ...rule, appraisal: { ...appraisal, blacklist: false } } : rule;
    return { line: index + 1, text: kernelForm(held, profile)?.trimEnd() ?? text, rule: held };
  });
}

/** The tables are compiled in, so that no option keeps a rule out. */
function parsed(text: string, profile: KernelProfile): Rule {
  const [line] = parsePolicy(text);
  const checked = line === undefined ? undefined : checkRule(line, { ...profile, modsig: true });
  if (checked?.accepted !== true) throw new Error(`built-in rule refused: ${text}`);
  return checked.rule;
}
