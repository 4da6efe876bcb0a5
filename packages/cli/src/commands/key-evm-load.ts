import { enableEvm, evmState, type EvmFlag } from '@assay/linux/evm';
import { importCertificate, loadEvmKey } from '@assay/linux/keyrings';
import { z } from 'zod';
import { openEvmKey, type OpenedEvmKey } from '../evm-key/open.ts';
import { vitalFiles, type VitalFile } from '../evm-key/vital.ts';
import { EXIT, UsageError } from '../exit.ts';
import { labelKey, readCertificates } from '../labels/certificates.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, shown } from '../output/terminal.ts';
import { TpmOptions } from '../tpm-options.ts';

const FLAGS: readonly EvmFlag[] = ['hmac', 'signatures', 'metadata-writes', 'lock'];

const Flags = z
  .string()
  .default('')
  .transform((text, context): EvmFlag[] => {
    const words = text === '' ? [] : text.split(',');
    const flags = FLAGS.filter((flag) => words.includes(flag));
    if (flags.length === words.length) return flags;
    context.addIssue(`takes ${FLAGS.join(', ')}, each once, with commas between them`);
    return z.NEVER;
  });

const Options = TpmOptions.extend({
  dir: z.string().min(1, 'names no directory'),
  cert: z.array(z.string().min(1)).default([]),
  certKeyring: z.enum(['.evm', '_evm']),
  key: z.boolean().default(true),
  enable: Flags,
  force: z.boolean().default(false),
  dryRun: z.boolean().default(false),
});

type Given = z.infer<typeof Options>;

interface Outcome {
  readonly state: 'loaded' | 'would-load' | 'sealed' | 'refused';
  readonly enabled: readonly EvmFlag[];
  /** Serial number of the EVM key in the kernel. */
  readonly key?: number;
  /** Serial numbers of certificates. */
  readonly certificates?: readonly number[];
  /** Sealed forms of the master key that the TPM did not open, and why. */
  readonly sealed?: Extract<OpenedEvmKey, { sealed: unknown }>['sealed'];
  /** What EVM would say of the files without which the machine does not work. */
  readonly vital?: readonly VitalFile[];
}

/** `assay key evm load`: exit code 1 where the TPM does not unseal, or EVM would refuse what the machine needs. */
export async function loadEvmKeys(given: unknown): Promise<number> {
  const options = optionsFrom(Options, given);
  if (options.enable.includes('hmac') && !options.key) throw new UsageError('--enable hmac needs the EVM key');
  const outcome = await done(options);
  if (options.output === 'json') printJson({ schema: 'assay.key-evm-load.v1', ...outcome });
  else printText(outcome);
  return outcome.state === 'loaded' || outcome.state === 'would-load' ? EXIT.fine : EXIT.no;
}

async function done(options: Given): Promise<Outcome> {
  const { enable, dryRun, certKeyring } = options;
  const certificates = (await Promise.all(options.cert.map(readCertificates))).flat();
  const opened = options.key ? await openEvmKey(options.dir, options.tpm) : undefined;
  if (opened !== undefined && 'sealed' in opened) return { state: 'sealed', enabled: [], ...opened };
  const checks = enable.includes('hmac') || enable.includes('signatures');
  const vital = checks ? { vital: await vitalFiles(certificates.map(labelKey), opened?.payload) } : {};
  if (isDangerous(vital.vital ?? []) && !options.force) return { state: 'refused', enabled: [], ...vital };
  if (dryRun) return { state: 'would-load', enabled: enable, ...vital };
  const key = opened === undefined ? {} : { key: loadEvmKey(opened) };
  const imported = certificates.map(({ raw }) => importCertificate(raw, certKeyring));
  if (enable.length > 0) enableEvm(enable);
  return { state: 'loaded', enabled: enable, ...key, certificates: imported, ...vital };
}

/** With evm=fix the kernel mends labels instead of refusing files. */
function isDangerous(vital: readonly VitalFile[]): boolean {
  const evm = evmState();
  const mends = evm.state === 'present' && evm.fix;
  return !mends && vital.some(({ state }) => state === 'wrong');
}

function printText({ state, enabled, key, certificates = [], sealed = [], vital = [] }: Outcome): void {
  const colour = colours(1);
  const wrong = vital.filter((file) => file.state === 'wrong');
  const lines = [
    ...(key === undefined ? [] : [`the EVM key is loaded as key ${key}`]),
    ...certificates.map((serial) => `a certificate is loaded as key ${serial}`),
    ...sealed.map(({ file, sentence }) => `${colour.red('not unsealed')} ${file}: ${sentence}`),
    ...wrong.map(({ path, reason }) => `${colour.red('wrong')} ${path}  ${shown(reason ?? '')}`),
    ...(state === 'refused' ? [REFUSED] : []),
    ...(state === 'would-load' ? ['nothing was loaded: a dry run'] : []),
    ...(enabled.length === 0 ? [] : [`${state === 'loaded' ? 'enabled' : 'would enable'}: ${enabled.join(', ')}`]),
  ];
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

const REFUSED = `refused: EVM would find these files wrong. Under a policy that appraises, the machine could not run them any more, and
nobody could change their owner, mode or labels before it is started again. Label them first (docs/keys.md); --force enables anyway.`;
