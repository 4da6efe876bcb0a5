import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { FormatError } from '@assay/core/errors';
import {
  DEBIAN_BUILTIN_OPTIONS,
  parseBuiltinOptions,
  parseKernelConfig,
  parseKernelVersion,
  parseOptionList,
  runningOptions,
  type BuiltinOptions,
  type KernelOptions,
  type KernelProfile,
  type KernelVersion,
  type RunningFacts,
} from '@assay/core/policy';
import { boundedContent } from './bounded-file.ts';
import { isFileError, UsageError } from './exit.ts';

/** A configuration has a few hundred kilobytes. */
const LIMIT_BYTES = 4 * 1024 * 1024;

/** Which kernel is asked, and where its options come from: `debian` or a path. */
export interface ChosenKernel {
  readonly profile: KernelProfile;
  readonly version: string;
  readonly config: string;
  /** What decides about the rules that it has before it loads any. */
  readonly builtin: BuiltinOptions;
}

/**
 * The named kernel, else the running one; the named options, else those of the running kernel where its configuration
 * can be found and has IMA, else Debian's.
 * @throws UsageError for a list of options with a word that is none; FormatError KERNEL-VERSION, KERNEL-CONFIG
 */
export async function chooseKernel(kernel: string | undefined, config: string | undefined): Promise<ChosenKernel> {
  const version = parseKernelVersion(kernel ?? release());
  const text = `${version.major}.${version.minor}`;
  const { name, options, builtin } = await chooseOptions(version, kernel === undefined, config);
  return { profile: { name: `${text} (${name})`, version, ...options }, version: text, config: name, builtin };
}

interface NamedOptions {
  readonly name: string;
  readonly options: KernelOptions;
  readonly builtin: BuiltinOptions;
}

async function chooseOptions(version: KernelVersion, running: boolean, config?: string): Promise<NamedOptions> {
  const ofHost = running && config === undefined ? await optionsOfHost() : undefined;
  if (ofHost !== undefined) return ofHost;
  const name = config ?? 'debian';
  const listed = parseOptionList(name, version);
  if (listed !== undefined) return { name, options: listed, builtin: DEBIAN_BUILTIN_OPTIONS };
  if (name.includes(',') && !name.includes('/')) {
    const unknown = name.split(',').filter((word) => parseOptionList(word, version) === undefined);
    throw new UsageError(`--config ${name}: ${OPTION_WORDS}, not ${unknown.join(', ')}`);
  }
  return optionsIn(name);
}

const OPTION_WORDS = 'a list has debian, modsig, keys, selinux, smack, apparmor and names of hash algorithms';

/** From the places that Debian and proc(5) name; nothing where none can be read or the kernel has no IMA. */
async function optionsOfHost(): Promise<NamedOptions | undefined> {
  for (const path of [`/boot/config-${release()}`, '/proc/config.gz']) {
    try {
      const found = await optionsIn(path);
      return { ...found, options: runningOptions(found.options, await runningFacts()) };
    } catch (error) {
      if (!isFileError(error) && !(error instanceof FormatError)) throw error;
    }
  }
  return undefined;
}

async function runningFacts(): Promise<RunningFacts> {
  const [lsm, crypto] = await Promise.all(['/sys/kernel/security/lsm', '/proc/crypto'].map(textWhereReadable));
  const modprobe = await hasModprobe();
  return { ...(lsm === undefined ? {} : { lsm }), ...(crypto === undefined ? {} : { crypto }), modprobe };
}

/** The program that the kernel runs for a module, if it has one and that can be run. */
async function hasModprobe(): Promise<boolean> {
  const path = (await textWhereReadable('/proc/sys/kernel/modprobe'))?.trim() ?? '';
  if (!path.startsWith('/')) return false;
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function textWhereReadable(path: string): Promise<string | undefined> {
  try {
    return (await boundedContent(path, LIMIT_BYTES)).toString('latin1');
  } catch (error) {
    if (isFileError(error)) return undefined;
    throw error;
  }
}

/** @throws FormatError KERNEL-CONFIG */
async function optionsIn(path: string): Promise<NamedOptions> {
  const text = await configText(path);
  return { name: path, options: parseKernelConfig(text), builtin: parseBuiltinOptions(text) };
}

/** @throws FormatError KERNEL-CONFIG for damaged or excessive compression */
async function configText(path: string): Promise<string> {
  const content = await boundedContent(path, LIMIT_BYTES);
  if (content[0] !== 0x1f || content[1] !== 0x8b) return content.toString('latin1');
  try {
    return gunzipSync(content, { maxOutputLength: LIMIT_BYTES }).toString('latin1');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FormatError('KERNEL-CONFIG', `${path} cannot be unpacked: ${why}`);
  }
}
