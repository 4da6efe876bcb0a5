import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SystemError } from '@assay/core/errors';
import { bootKernel } from './boot.ts';
import { cached } from './cache.ts';
import { firmwareInSetupMode, firmwareOf, firmwareVersion, type Firmware } from './firmware.ts';
import type { FetchOptions, KernelSeries } from './kernels.ts';
import { SecureBootKeys } from './secure-boot.ts';

const NAMES = { keys: 'keys', variables: 'variables.fd', out: 'out' } as const;

/**
 * Firmware that knows the lab's keys and starts only what they signed, as what it is given is. The keys are made and
 * enrolled by a boot of their own at the first use.
 * @param variables path for the flash of this boot
 * @throws SystemError as `bootKernel`
 */
export async function firmwareWithKeys(
  variables: string,
  options: FetchOptions & { readonly kernel: KernelSeries },
): Promise<Firmware> {
  const { cache, onStep } = options;
  const version = await firmwareVersion();
  const kept = await cached(join(cache, 'secure-boot', version.slice(0, 16)), async (draft) => {
    onStep?.('enrolling Secure Boot keys of the lab');
    await enrol(draft, options);
  });
  const keys = SecureBootKeys.in(join(kept, NAMES.keys));
  const firmware = await firmwareOf(join(kept, NAMES.variables), variables);
  return { ...firmware, sign: async (image) => keys.sign(image, 'db') };
}

async function enrol(draft: string, options: FetchOptions & { readonly kernel: KernelSeries }): Promise<void> {
  await mkdir(join(draft, NAMES.keys));
  await mkdir(join(draft, NAMES.out));
  const keys = await SecureBootKeys.make(join(draft, NAMES.keys));
  const firmware = await firmwareInSetupMode(join(draft, NAMES.variables));
  const [files, out] = [await keys.enrolment(), join(draft, NAMES.out)];
  const { status, stderr } = await bootKernel({ ...options, firmware, files, command: ['./update-variables'], out });
  if (status !== 0) throw new SystemError('LAB-GUEST', `the firmware took no keys: ${Buffer.from(stderr).toString()}`);
  await rm(out, { recursive: true });
}
