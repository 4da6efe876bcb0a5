import { kstrtoul } from './numbers.ts';
import { hasVersion, type KernelProfile } from './profile.ts';
import { refusal, type Refusal } from './refusal.ts';
import { ACCESS_NAMES, type HookFunction, type IdField, type IdSlot } from './rule.ts';
import { needsOption, needsVersion, refuseSecond, refuseValue, setPart, type Word } from './word.ts';

const FUNCTIONS: ReadonlyMap<string, HookFunction> = new Map([
  ['FILE_CHECK', 'FILE_CHECK'],
  ['PATH_CHECK', 'FILE_CHECK'],
  ['MMAP_CHECK', 'MMAP_CHECK'],
  ['FILE_MMAP', 'MMAP_CHECK'],
  ['MMAP_CHECK_REQPROT', 'MMAP_CHECK_REQPROT'],
  ['BPRM_CHECK', 'BPRM_CHECK'],
  ['CREDS_CHECK', 'CREDS_CHECK'],
  ['MODULE_CHECK', 'MODULE_CHECK'],
  ['FIRMWARE_CHECK', 'FIRMWARE_CHECK'],
  ['KEXEC_KERNEL_CHECK', 'KEXEC_KERNEL_CHECK'],
  ['KEXEC_INITRAMFS_CHECK', 'KEXEC_INITRAMFS_CHECK'],
  ['KEXEC_CMDLINE', 'KEXEC_CMDLINE'],
  ['POLICY_CHECK', 'POLICY_CHECK'],
  ['KEY_CHECK', 'KEY_CHECK'],
  ['CRITICAL_DATA', 'CRITICAL_DATA'],
  ['SETXATTR_CHECK', 'SETXATTR_CHECK'],
] as const);

const FUNCTIONS_SINCE: Partial<Record<HookFunction, string>> = {
  KEY_CHECK: '5.6',
  CRITICAL_DATA: '5.12',
  SETXATTR_CHECK: '5.15',
  MMAP_CHECK_REQPROT: '6.3',
};

export function readFunction(word: Word): Refusal | undefined {
  const { draft, value, profile } = word;
  if (draft.func !== undefined) return refuseSecond(word);
  const func = FUNCTIONS.get(value);
  if (func === undefined) return refuseFunction(word);
  const since = FUNCTIONS_SINCE[func];
  const tooOld = since === undefined ? undefined : needsVersion(word, `func=${value}`, since);
  if (tooOld !== undefined) return tooOld;
  if (func === 'KEY_CHECK' && !measuresKeys(profile))
    return needsOption(word, 'func=KEY_CHECK', 'CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS');
  draft.func = func;
  return setPart(word, 'func');
}

/** Before 5.10 such rules are accepted without the option, and never match. */
function measuresKeys(profile: KernelProfile): boolean {
  return profile.keyMeasurement || !hasVersion(profile, '5.10');
}

function refuseFunction(word: Word): Refusal {
  const { value, token } = word;
  if (value === 'POST_SETATTR' || value === 'NONE')
    return refusal('RULE-VALUE', `${value} is a function inside the kernel that no rule can name`, token);
  if (FUNCTIONS.has(value.toUpperCase()))
    return refusal('RULE-VALUE', `functions are written in capitals: ${value.toUpperCase()}`, token);
  return refuseValue(word, 'one function of IMA, such as FILE_CHECK');
}

export function readMask(word: Word): Refusal | undefined {
  const { draft, value } = word;
  if (draft.mask !== undefined) return refuseSecond(word);
  const any = value.startsWith('^');
  const name = ACCESS_NAMES.find((access) => access === (any ? value.slice(1) : value));
  if (name === undefined) return refuseValue(word, `one of ${ACCESS_NAMES.join(', ')}, with ^ in front or without`);
  draft.mask = { name, any };
  return setPart(word, 'mask');
}

export function readFsmagic(word: Word): Refusal | undefined {
  const { draft, value, token } = word;
  // The kernel takes a magic number of 0 for one that is not set.
  if (draft.fsmagic !== undefined && draft.fsmagic !== 0n) return refuseSecond(word);
  const number = kstrtoul(value, 16);
  if (number === 'ERANGE') return outOfRange(word);
  if (number === 'EINVAL')
    return refusal('RULE-VALUE', `fsmagic takes a hexadecimal number, not ${JSON.stringify(value)}`, token);
  draft.fsmagic = number;
  return setPart(word, 'fsmagic');
}

function outOfRange({ name, token }: Word): Refusal {
  return { ...refusal('RULE-VALUE', `the number of ${name} does not fit 64 bits`, token), errno: 'ERANGE' };
}

/** May be repeated: the last one counts. */
export function readFsname(word: Word): Refusal | undefined {
  word.draft.fsname = word.value;
  return setPart(word, 'fsname');
}

export function readFsSubtype(word: Word): Refusal | undefined {
  const tooOld = needsVersion(word, 'fs_subtype', '6.19');
  if (tooOld !== undefined) return tooOld;
  if (word.draft.fsSubtype !== undefined) return refuseSecond(word);
  word.draft.fsSubtype = word.value;
  return setPart(word, 'fs_subtype');
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** uuid_parse (lib/uuid.c) looks at 36 characters and not at what follows. */
export function readFsuuid(word: Word): Refusal | undefined {
  const { draft, value } = word;
  if (draft.fsuuid !== undefined && draft.fsuuid !== NO_UUID) return refuseSecond(word);
  const uuid = UUID.exec(value)?.[0];
  if (uuid === undefined) return refuseValue(word, 'a UUID of 8-4-4-4-12 hexadecimal digits');
  draft.fsuuid = uuid.toLowerCase();
  return setPart(word, 'fsuuid');
}

const SLOTS: Readonly<Record<IdField, IdSlot>> = {
  uid: 'user',
  euid: 'user',
  gid: 'group',
  egid: 'group',
  fowner: 'fowner',
  fgroup: 'fgroup',
};

/** The id that stands for none (INVALID_UID). */
const NO_ID = 0xffff_ffffn;

export function readId(field: IdField): (word: Word) => Refusal | undefined {
  const isGroup = SLOTS[field] === 'group' || field === 'fgroup';
  return (word) => {
    const tooOld = isGroup ? needsVersion(word, field, '5.16') : undefined;
    return tooOld ?? readIdInto(SLOTS[field], field, word);
  };
}

function readIdInto(slot: IdSlot, field: IdField, word: Word): Refusal | undefined {
  const { draft, operator, value } = word;
  const before = draft.ids.get(slot);
  if (before !== undefined) return refuseSecond(word, slotText(before.field, field));
  const number = kstrtoul(value, 10);
  if (number === 'ERANGE') return outOfRange(word);
  if (number === 'EINVAL' || number >= NO_ID) return refuseValue(word, 'a decimal number from 0 to 4294967294');
  draft.ids.set(slot, {
    field,
    operator: operator === '<' || operator === '>' ? operator : '=',
    value: Number(number),
  });
  return setPart(word, field);
}

function slotText(first: IdField, second: IdField): string {
  if (first === second) return `${first} may stand in a rule only once, so that there are no ranges`;
  return `${first} and ${second} share one slot: a rule has one of them`;
}

export function readKeyrings(word: Word): Refusal | undefined {
  const { draft, profile } = word;
  const tooOld = needsVersion(word, 'keyrings', '5.6');
  if (tooOld !== undefined) return tooOld;
  if (!measuresKeys(profile)) return needsOption(word, 'keyrings', 'CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS');
  if (draft.keyrings !== undefined) return refuseSecond(word);
  const items = word.value.split('|');
  if (items.includes('') && hasVersion(profile, '5.10'))
    return refuseValue(word, 'names with | between them, none of them empty');
  draft.keyrings = items;
  return setPart(word, 'keyrings');
}

export function readCriticalDataLabel(word: Word): Refusal | undefined {
  const { draft } = word;
  const tooOld = needsVersion(word, 'label', '5.12');
  if (tooOld !== undefined) return tooOld;
  if (draft.criticalDataLabels !== undefined) return refuseSecond(word);
  const items = word.value.split('|');
  if (items.includes('')) return refuseValue(word, 'names with | between them, none of them empty');
  draft.criticalDataLabels = items;
  return setPart(word, 'label');
}
