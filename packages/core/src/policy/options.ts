import { kstrtoint } from './numbers.ts';
import { hasVersion, type KernelProfile } from './profile.ts';
import { refusal, type Refusal } from './refusal.ts';
import type { Action, Appraisal, HookFunction, LabelField } from './rule.ts';
import { needsOption, needsVersion, refuseSecond, refuseValue, setPart, type Word } from './word.ts';

/** PCRs that the bit mask `measured_pcrs` of an inode has room for; a TPM has fewer. */
const PCR_LIMIT = 64n;

/** May be repeated: the last one counts. */
export function readPcr(word: Word): Refusal | undefined {
  const early = needsActionInFront(word, 'measure');
  if (early !== undefined) return early;
  const number = kstrtoint(word.value);
  if (typeof number === 'string' || number < 0n || number >= PCR_LIMIT)
    return refuseValue(word, 'a decimal number from 0 to 63');
  word.draft.pcr = Number(number);
  return setPart(word, 'pcr');
}

/** Before 5.9 ima_parse_rule compared the action at the moment it read the word; since then ima_validate_rule does. */
function needsActionInFront({ draft, name, token, profile }: Word, action: Action): Refusal | undefined {
  if (draft.action === action || hasVersion(profile, '5.9')) return undefined;
  return refusal('RULE-COMBINATION', `before Linux 5.9 ${name} needs the word ${action} in front of it`, token);
}

interface Template {
  readonly name: string;
  readonly format: string;
  readonly since: string;
}

/** builtin_templates of security/integrity/ima/ima_template.c */
const TEMPLATES: readonly Template[] = [
  { name: 'ima', format: 'd|n', since: '5.4' },
  { name: 'ima-ng', format: 'd-ng|n-ng', since: '5.4' },
  { name: 'ima-sig', format: 'd-ng|n-ng|sig', since: '5.4' },
  { name: 'ima-buf', format: 'd-ng|n-ng|buf', since: '5.4' },
  { name: 'ima-modsig', format: 'd-ng|n-ng|sig|d-modsig|modsig', since: '5.4' },
  {
    name: 'evm-sig',
    format: 'd-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode',
    since: '5.14',
  },
  { name: 'ima-ngv2', format: 'd-ngv2|n-ng', since: '5.19' },
  { name: 'ima-sigv2', format: 'd-ngv2|n-ng|sig', since: '5.19' },
];

export function readTemplate(word: Word): Refusal | undefined {
  const { draft, value, token } = word;
  if (draft.action !== 'measure')
    return refusal('RULE-COMBINATION', 'template needs the word measure, and in front of it', token);
  const template = TEMPLATES.find(({ name, format }) => name === value || format === value);
  if (template === undefined) return refuseValue(word, 'the name or the whole format of a template of the kernel');
  const tooOld = needsVersion(word, `template=${value}`, template.since);
  if (tooOld !== undefined) return tooOld;
  if (draft.template !== undefined) return refuseSecond(word);
  draft.template = template.name;
  return setPart(word, 'template');
}

/** May be repeated: the demands add up. */
export function readAppraiseType(word: Word): Refusal | undefined {
  const { value, token } = word;
  const early = needsActionInFront(word, 'appraise');
  if (early !== undefined) return early;
  if (value === 'imasig' || value === 'imasig|modsig') return readImasig(word, value === 'imasig|modsig');
  if (value === 'sigv3') return readSigv3(word);
  if (value === 'modsig')
    return refusal('RULE-VALUE', 'an appended signature is only an alternative: imasig|modsig', token);
  return refuseValue(word, 'imasig, imasig|modsig or sigv3');
}

function readImasig(word: Word, modsig: boolean): Refusal | undefined {
  const { draft, value, token, profile } = word;
  if (modsig && !profile.modsig) return needsOption(word, 'imasig|modsig', 'CONFIG_IMA_APPRAISE_MODSIG');
  const early = modsig ? needsFunctionInFront(word) : undefined;
  if (early !== undefined) return early;
  if (draft.verity)
    return refusal('RULE-COMBINATION', `${value} is no signature of an fs-verity digest: use sigv3`, token);
  if (modsig && draft.appraisal.sigv3)
    return refusal('RULE-COMBINATION', 'sigv3 and imasig|modsig exclude each other', token);
  const { appraisal } = draft;
  draft.appraisal = { ...appraisal, ...signed(profile, appraisal), modsig: appraisal.modsig || modsig };
  if (modsig) draft.parts.set('modsig', token);
  return setPart(word, 'appraise_type');
}

const WITH_MODSIG: readonly (HookFunction | undefined)[] = [
  'MODULE_CHECK',
  'KEXEC_KERNEL_CHECK',
  'KEXEC_INITRAMFS_CHECK',
];

/** Before 5.9: ima_hook_supports_modsig of the function that was read so far. */
function needsFunctionInFront({ draft, token, profile }: Word): Refusal | undefined {
  if (WITH_MODSIG.includes(draft.func) || hasVersion(profile, '5.9')) return undefined;
  const message = `before Linux 5.9 imasig|modsig needs func=MODULE_CHECK or one of kexec's files in front of it`;
  return refusal('RULE-COMBINATION', message, token);
}

function readSigv3(word: Word): Refusal | undefined {
  const { draft, token, profile } = word;
  const tooOld = needsVersion(word, 'sigv3', '5.19');
  if (tooOld !== undefined) return tooOld;
  if (!draft.verity && !hasVersion(profile, '7.1')) {
    const message = 'appraise_type=sigv3 needs digest_type=verity in front of it; without that it needs Linux 7.1';
    return refusal('RULE-KERNEL-VERSION', message, token);
  }
  draft.appraisal = { ...draft.appraisal, ...signed(profile, draft.appraisal), sigv3: true };
  return setPart(word, 'appraise_type');
}

/** Since 6.6 every rule that demands a signature asks for the blacklist check, too. */
function signed(profile: KernelProfile, { blacklist }: Appraisal): Pick<Appraisal, 'signature' | 'blacklist'> {
  return { signature: true, blacklist: blacklist || hasVersion(profile, '6.6') };
}

export function readDigestType(word: Word): Refusal | undefined {
  const { draft, value, token, profile } = word;
  const tooOld = needsVersion(word, 'digest_type', '5.19');
  if (tooOld !== undefined) return tooOld;
  if (value !== 'verity') return refuseValue(word, 'verity');
  if (draft.appraisal.signature && !hasVersion(profile, '7.1')) {
    const message = 'digest_type=verity behind an appraise_type needs Linux 7.1; in front of sigv3 it does not';
    return refusal('RULE-KERNEL-VERSION', message, token);
  }
  draft.verity = true;
  return setPart(word, 'digest_type');
}

/**
 * Since 6.6 it is read and ignored; before, it asks for the blacklist check of appended signatures. Before 5.9 every value
 * is accepted with every action, and only one with `blacklist` in it does something.
 */
export function readAppraiseFlag(word: Word): Refusal | undefined {
  const { draft, value, profile } = word;
  const tooOld = needsVersion(word, 'appraise_flag', '5.5');
  if (tooOld !== undefined || hasVersion(profile, '6.6')) return tooOld;
  const blacklist = value.includes('blacklist');
  if (hasVersion(profile, '5.9')) {
    if (!profile.modsig) return needsOption(word, 'appraise_flag before Linux 6.6', 'CONFIG_IMA_APPRAISE_MODSIG');
    if (!blacklist) return refuseValue(word, 'check_blacklist');
  }
  if (!blacklist) return undefined;
  draft.appraisal = { ...draft.appraisal, blacklist: true };
  return setPart(word, 'appraise_flag');
}

/** hash_algo_name (crypto/hash_info.c), in its order. */
export const KERNEL_HASHES: readonly string[] = (
  'md4 md5 sha1 rmd160 sha256 sha384 sha512 sha224 rmd128 rmd256 rmd320 ' +
  'wp256 wp384 wp512 tgr128 tgr160 tgr192 sm3 streebog256 streebog512 sha3-256 sha3-384 sha3-512'
).split(' ');

export function readAppraiseAlgos(word: Word): Refusal | undefined {
  const { draft, value, profile, token } = word;
  const tooOld = needsVersion(word, 'appraise_algos', '5.15');
  if (tooOld !== undefined) return tooOld;
  if (draft.appraiseAlgos !== undefined) return refuseSecond(word);
  const names = value.split(',');
  const unknown = names.find((name) => !KERNEL_HASHES.includes(name));
  if (unknown !== undefined)
    return refuseValue(word, `hash algorithms with commas between them (${JSON.stringify(unknown)} is none)`);
  const missing = names.find((name) => !profile.algorithms.includes(name));
  if (missing !== undefined) return refusal('RULE-KERNEL-OPTION', missingText(missing, profile), token);
  draft.appraiseAlgos = KERNEL_HASHES.filter((name) => names.includes(name));
  return setPart(word, 'appraise_algos');
}

/** crypto_has_alg asks modprobe for what is not there. */
function missingText(name: string, { moduleAlgorithms }: KernelProfile): string {
  if (!moduleAlgorithms.includes(name)) return `this kernel has no ${name}`;
  return `${name} is in a module of this kernel: it accepts the rule only where modprobe can load that at this moment`;
}

export function readPermitDirectio(word: Word): Refusal | undefined {
  word.draft.permitDirectio = true;
  return setPart(word, 'permit_directio');
}

/** ima_lsm_rule_init: a label that nobody resolves is refused under the built-in policy, later (since 5.6) held and inactive. */
export function readLabel(field: LabelField): (word: Word) => Refusal | undefined {
  return (word) => {
    const { draft, value, profile, token } = word;
    if (draft.labels.get(field)?.active === true) return refuseSecond(word);
    const active = resolves(word, field);
    const held = profile.customPolicyActive && hasVersion(profile, '5.6');
    if (!active && !held) return refusal('RULE-LABEL', labelText(word), token);
    draft.labels.set(field, { text: value, active });
    return setPart(word, field);
  };
}

/** What a security module knows of labels; whether its policy defines this label only the running system can say. */
function resolves({ profile, value }: Word, field: LabelField): boolean {
  if (profile.labels === 'selinux') return true;
  if (profile.labels === 'smack') return field === 'subj_user' || field === 'obj_user';
  // AppArmor audits by subj_role, which names a profile; this one is always there.
  return profile.labels === 'apparmor' && field === 'subj_role' && value === 'unconfined';
}

function labelText({ name, profile }: Word): string {
  if (profile.labels === 'none') return `no security module of this kernel resolves labels such as that of ${name}`;
  return `${profile.labels} does not resolve the label of ${name} while the built-in policy is active`;
}
