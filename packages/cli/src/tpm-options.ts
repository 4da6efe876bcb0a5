import type { HashName } from '@assay/core/hash';
import { hashAlgorithm, isHashName } from '@assay/core/hash';
import type { PcrSelection } from '@assay/core/tpm';
import { openTpmAddress, parseTpmAddress, Tpm, type TpmAddress } from '@assay/linux/tpm';
import { z } from 'zod';
import { EXIT, UsageError } from './exit.ts';
import { OutputOptions } from './options.ts';

const Address = z.string().transform((text, context): TpmAddress => {
  const address = parseTpmAddress(text);
  if (address !== undefined) return address;
  context.addIssue('takes device[:PATH], swtpm:PATH, swtpm:unix:PATH or swtpm:tcp:HOST:PORT');
  return z.NEVER;
});

/** Options of every `assay tpm`. */
export const TpmOptions = OutputOptions.extend({ tpm: Address });

/**
 * Opens the TPM for `use`, which gives the exit code. Ctrl-C waits until what was loaded is flushed, which takes as long
 * as the command in hand; a second one does not.
 */
export async function withTpm(address: TpmAddress, use: (tpm: Tpm) => Promise<number>): Promise<number> {
  let interrupted = false;
  const interrupt = (): void => {
    if (interrupted) process.exit(EXIT.interrupted);
    interrupted = true;
  };
  process.on('SIGINT', interrupt);
  const tpm = new Tpm(await openTpmAddress(address));
  try {
    await tpm.startup();
    const code = await use(tpm);
    return interrupted ? EXIT.interrupted : code;
  } finally {
    await tpm.close();
    process.off('SIGINT', interrupt);
  }
}

const LAST_PCR = 23;

/** `sha256:0,2-7+sha1:10`. @throws UsageError */
export function parsePcrSelection(text: string): PcrSelection[] {
  const selection = text.split('+').map((part) => {
    const [, bank = '', list = ''] = /^([a-z0-9-]+):([\d,-]+)$/.exec(part) ?? [];
    const pcrs = list.split(',').flatMap(pcrRange);
    if (!isBank(bank) || pcrs.length === 0 || new Set(pcrs).size !== pcrs.length) throw wrongSelection(text);
    return { bank, pcrs: pcrs.toSorted((a, b) => a - b) };
  });
  if (new Set(selection.map(({ bank }) => bank)).size !== selection.length) throw wrongSelection(text);
  return selection;

  function pcrRange(item: string): number[] {
    const [, first = '', last = first] = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(item) ?? [];
    if (first === '' || Number(last) > LAST_PCR || Number(last) < Number(first)) throw wrongSelection(text);
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
  }
}

function isBank(name: string): name is HashName {
  return isHashName(name) && hashAlgorithm(name).tpmId !== undefined;
}

function wrongSelection(text: string): UsageError {
  const form = 'banks with PCRs from 0 to 23, each once, such as sha256:0-7,10+sha1:10';
  return new UsageError(`--pcrs takes ${form}, not ${JSON.stringify(text)}`);
}
