import { FormatError } from '../errors/index.ts';

/** The security module that resolves the labels of a rule. */
export type LabelModule = 'none' | 'selinux' | 'smack' | 'apparmor';

/** What of a kernel decides whether it accepts a rule. */
export interface KernelProfile {
  /** For people, such as `6.12 with Debian's options`. */
  readonly name: string;
  readonly version: KernelVersion;
  /** CONFIG_IMA_APPRAISE: without it rules that appraise are accepted, and do nothing. */
  readonly appraise: boolean;
  /** CONFIG_IMA_APPRAISE_MODSIG */
  readonly modsig: boolean;
  /** CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS */
  readonly keyMeasurement: boolean;
  /** `none` without CONFIG_IMA_LSM_RULES too. */
  readonly labels: LabelModule;
  /** Hash algorithms that need no module, by the kernel's names. */
  readonly algorithms: readonly string[];
  /** Those in modules, which modprobe loads when a rule names them, where it can: in an initramfs it often cannot. */
  readonly moduleAlgorithms: readonly string[];
  /** CONFIG_IMA_DEFAULT_TEMPLATE, of rules without a template where `ima_template=` names no other. */
  readonly defaultTemplate: string;
  /** A custom policy has replaced the built-in one: labels that nobody resolves are then accepted, and inactive. */
  readonly customPolicyActive: boolean;
}

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
}

/** Options of a kernel without its version. */
export type KernelOptions = Omit<KernelProfile, 'name' | 'version'>;

const FIRST = { major: 5, minor: 4 };
const LAST = { major: 7, minor: 3 };

/**
 * @param text a version or release, such as `6.12` or `6.12.48+deb13-amd64`
 * @throws FormatError KERNEL-VERSION outside 5.4 to 7.3, the kernels whose rules are known
 */
export function parseKernelVersion(text: string): KernelVersion {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})(?![0-9])/.exec(text) ?? [];
  const version = { major: Number(major), minor: Number(minor) };
  if (major === undefined || !isAtLeast(version, FIRST) || !isAtLeast(LAST, version)) {
    throw new FormatError('KERNEL-VERSION', `${JSON.stringify(text.slice(0, 40))} is no kernel from 5.4 to 7.3`);
  }
  return version;
}

function isAtLeast(version: KernelVersion, least: KernelVersion): boolean {
  return version.major > least.major || (version.major === least.major && version.minor >= least.minor);
}

/** @param least such as `6.14`: the version of mainline that brought something */
export function hasVersion({ version }: Pick<KernelProfile, 'version'>, least: string): boolean {
  const [major = 0, minor = 0] = least.split('.').map(Number);
  return isAtLeast(version, { major, minor });
}

/** Debian's options: appraisal, AppArmor, no modsig, key measurement, template ima-sig. Its algorithms change. */
export function debianOptions(version: KernelVersion): KernelOptions {
  const hasSha512 = isAtLeast(version, { major: 6, minor: 12 });
  const hasSha3 = hasSha512 && !isAtLeast(version, { major: 6, minor: 19 });
  const { always, modules, sha512, sha3 } = DEBIAN_ALGORITHMS;
  return {
    appraise: true,
    modsig: false,
    keyMeasurement: true,
    labels: 'apparmor',
    algorithms: [...always, ...(hasSha512 ? sha512 : []), ...(hasSha3 ? sha3 : [])],
    moduleAlgorithms: [...modules, ...(hasSha512 ? [] : sha512), ...(hasSha3 ? [] : sha3)],
    defaultTemplate: 'ima-sig',
    customPolicyActive: false,
  };
}

const DEBIAN_ALGORITHMS = {
  always: ['md5', 'sha1', 'sha224', 'sha256'],
  modules: ['md4', 'rmd160', 'wp256', 'wp384', 'wp512', 'streebog256', 'streebog512'],
  sha512: ['sha384', 'sha512'],
  sha3: ['sha3-256', 'sha3-384', 'sha3-512'],
} as const;

/**
 * The options in the text of a kernel's configuration (`/boot/config-*`, `/proc/config.gz` unpacked).
 * @throws FormatError KERNEL-CONFIG for a text that is none, or of a kernel without IMA
 */
export function parseKernelConfig(text: string): KernelOptions {
  const settings = new Map(text.split('\n').map(settingOf));
  const has = (option: string): boolean => settings.get(`CONFIG_${option}`) === 'y';
  if (!has('IMA')) throw new FormatError('KERNEL-CONFIG', 'CONFIG_IMA=y is not in the configuration of the kernel');
  return {
    appraise: has('IMA_APPRAISE'),
    modsig: has('IMA_APPRAISE_MODSIG'),
    keyMeasurement: has('IMA_MEASURE_ASYMMETRIC_KEYS'),
    labels: has('IMA_LSM_RULES') ? labelModuleIn(settings.get('CONFIG_LSM') ?? '') : 'none',
    algorithms: algorithmsWith('y', settings),
    moduleAlgorithms: algorithmsWith('m', settings),
    defaultTemplate: settings.get('CONFIG_IMA_DEFAULT_TEMPLATE')?.replaceAll('"', '') ?? 'ima-ng',
    customPolicyActive: false,
  };
}

function algorithmsWith(setting: 'y' | 'm', settings: ReadonlyMap<string, string>): string[] {
  const found = Object.entries(ALGORITHM_OPTIONS).filter(([option]) => settings.get(`CONFIG_${option}`) === setting);
  return found.flatMap(([, names]) => names);
}

function settingOf(line: string): [string, string] {
  const equals = line.indexOf('=');
  return equals < 0 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)];
}

/** The first of them in the order of CONFIG_LSM is the one that runs. */
function labelModuleIn(list: string): LabelModule {
  const names = list.replaceAll('"', '').split(',');
  return names.find((name) => name === 'selinux' || name === 'smack' || name === 'apparmor') ?? 'none';
}

const ALGORITHM_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  CRYPTO_MD4: ['md4'],
  CRYPTO_MD5: ['md5'],
  CRYPTO_SHA1: ['sha1'],
  CRYPTO_RMD160: ['rmd160'],
  CRYPTO_SHA256: ['sha224', 'sha256'],
  CRYPTO_SHA512: ['sha384', 'sha512'],
  CRYPTO_WP512: ['wp256', 'wp384', 'wp512'],
  CRYPTO_SM3: ['sm3'],
  CRYPTO_SM3_GENERIC: ['sm3'],
  CRYPTO_STREEBOG: ['streebog256', 'streebog512'],
  CRYPTO_SHA3: ['sha3-256', 'sha3-384', 'sha3-512'],
};
