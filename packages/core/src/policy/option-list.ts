import { KERNEL_HASHES } from './options.ts';
import { debianOptions, type KernelOptions, type KernelVersion, type LabelModule } from './profile.ts';

const NOTHING: KernelOptions = {
  appraise: true,
  modsig: false,
  keyMeasurement: false,
  labels: 'none',
  algorithms: [],
  moduleAlgorithms: [],
  defaultTemplate: 'ima-ng',
  customPolicyActive: false,
};

const MODULES: readonly LabelModule[] = ['selinux', 'smack', 'apparmor'];

/**
 * Options of a kernel by their names, with commas between: `debian` for what Debian builds into this version, `modsig`,
 * `keys`, a security module, hash algorithms by the kernel's names.
 * @returns undefined where one of the names is none
 */
export function parseOptionList(text: string, version: KernelVersion): KernelOptions | undefined {
  const names = text.split(',');
  const base = names.includes('debian') ? debianOptions(version) : NOTHING;
  return names.reduce<KernelOptions | undefined>((options, name) => withOption(options, name), base);
}

function withOption(options: KernelOptions | undefined, name: string): KernelOptions | undefined {
  if (options === undefined || name === 'debian') return options;
  if (name === 'modsig') return { ...options, modsig: true };
  if (name === 'keys') return { ...options, keyMeasurement: true };
  const labels = MODULES.find((module) => module === name);
  if (labels !== undefined) return { ...options, labels };
  return KERNEL_HASHES.includes(name) ? withAlgorithms(options, [name]) : undefined;
}

/** What a running kernel says of itself beside its configuration. */
export interface RunningFacts {
  /** Content of `/sys/kernel/security/lsm`: the security modules that are active. */
  readonly lsm?: string;
  /** Content of `/proc/crypto`: algorithms of modules that are loaded, too. */
  readonly crypto?: string;
  /** Whether modprobe can load modules. */
  readonly modprobe?: boolean;
}

/** The options of a configuration with what is true of the kernel that runs. */
export function runningOptions(options: KernelOptions, { lsm, crypto, modprobe }: RunningFacts): KernelOptions {
  const active = lsm?.trim().split(',');
  const labels = active === undefined ? options.labels : (MODULES.find((module) => active.includes(module)) ?? 'none');
  const registered = [...(crypto ?? '').matchAll(/^name\s*: (.+)$/gm)].map(([, name = '']) => name);
  return withAlgorithms({ ...options, labels: options.labels === 'none' ? 'none' : labels }, [
    ...KERNEL_HASHES.filter((name) => registered.includes(name)),
    ...(modprobe === true ? options.moduleAlgorithms : []),
  ]);
}

function withAlgorithms(options: KernelOptions, more: readonly string[]): KernelOptions {
  return { ...options, algorithms: [...new Set([...options.algorithms, ...more])] };
}
