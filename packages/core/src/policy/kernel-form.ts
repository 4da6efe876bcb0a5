import { hasVersion, type KernelProfile } from './profile.ts';
import { LABEL_FIELDS, type IdCondition, type Rule } from './rule.ts';

/** File system names are read back no longer. */
const NAME_LIMIT = 63;

/**
 * A rule as the kernel gives it back when its policy is read (ima_policy_show), with the blank at the end.
 * @returns undefined for a rule that it does not show, because a label in it is inactive
 */
export function kernelForm(rule: Rule, profile: KernelProfile): string | undefined {
  if ([...rule.labels.values()].some(({ active }) => !active)) return undefined;
  const parts = [rule.action ?? '', ...conditionsOf(rule), ...optionsOf(rule, profile)];
  return parts.map((part) => `${part} `).join('');
}

function conditionsOf(rule: Rule): string[] {
  const { func, mask, fsmagic, fsname, fsSubtype, keyrings, criticalDataLabels, pcr, fsuuid } = rule;
  return [
    ...shown('func', func),
    ...shown('mask', mask === undefined ? undefined : `${mask.any ? '^' : ''}${mask.name}`),
    ...shown('fsmagic', fsmagic === undefined ? undefined : `0x${fsmagic.toString(16)}`),
    ...shown('fsname', fsname?.slice(0, NAME_LIMIT)),
    ...shown('fs_subtype', fsSubtype?.slice(0, NAME_LIMIT)),
    ...shown('keyrings', keyrings?.join('|')),
    ...shown('label', criticalDataLabels?.join('|')),
    ...shown('pcr', pcr?.toString()),
    ...shown('fsuuid', fsuuid),
    ...(['user', 'group', 'fowner', 'fgroup'] as const).flatMap((slot) => idText(rule.ids.get(slot))),
  ];
}

function optionsOf(rule: Rule, profile: KernelProfile): string[] {
  return [
    ...shown('appraise_algos', rule.appraiseAlgos?.join(',')),
    ...LABEL_FIELDS.flatMap((field) => shown(field, rule.labels.get(field)?.text)),
    ...shown('template', rule.template),
    ...shown('appraise_type', appraiseType(rule, profile)),
    ...(rule.verity ? ['digest_type=verity'] : []),
    ...(rule.appraisal.blacklist && !hasVersion(profile, '6.6') ? ['appraise_flag=check_blacklist'] : []),
    ...(rule.permitDirectio ? ['permit_directio'] : []),
  ];
}

function shown(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${name}=${value}`];
}

/** Ids are printed as signed numbers. */
function idText(id: IdCondition | undefined): string[] {
  return id === undefined ? [] : [`${id.field}${id.operator}${id.value | 0}`];
}

/** Before 7.1 a signature of an fs-verity digest could only be version 3. */
function appraiseType({ appraisal, verity }: Rule, profile: KernelProfile): string | undefined {
  if (!appraisal.signature) return undefined;
  if (appraisal.sigv3 || (verity && !hasVersion(profile, '7.1'))) return 'sigv3';
  return appraisal.modsig ? 'imasig|modsig' : 'imasig';
}
