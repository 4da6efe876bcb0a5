import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { FormatError } from '@assay/core/errors';
import {
  DEBIAN_BUILTIN_OPTIONS,
  debianOptions,
  parseBuiltinOptions,
  parseKernelConfig,
  parseKernelVersion,
  type BuiltinOptions,
  type KernelOptions,
  type KernelProfile,
  type KernelVersion,
} from '@assay/core/policy';
import { boundedContent } from './bounded-file.ts';
import { isFileError } from './exit.ts';

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
  if (config === undefined || config === 'debian')
    return { name: 'debian', options: debianOptions(version), builtin: DEBIAN_BUILTIN_OPTIONS };
  return optionsIn(config);
}

/** From the places that Debian and proc(5) name; nothing where none can be read or the kernel has no IMA. */
async function optionsOfHost(): Promise<NamedOptions | undefined> {
  for (const path of [`/boot/config-${release()}`, '/proc/config.gz']) {
    try {
      return await optionsIn(path);
    } catch (error) {
      if (!isFileError(error) && !(error instanceof FormatError)) throw error;
    }
  }
  return undefined;
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
