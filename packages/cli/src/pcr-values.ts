import { boundedContent } from './bounded-file.ts';
import { fromHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { hashAlgorithm, isHashName } from '@assay/core/hash';
import type { ExpectedPcr } from '@assay/core/measurement';
import { UsageError } from './exit.ts';

/** A value that a PCR must have. */
export interface GivenPcr extends ExpectedPcr {
  /** Files hold every PCR of a machine, also those that no list explains; an option names what is asked for. */
  readonly from: 'option' | 'file';
}

/** Every PCR of every bank, many times over. */
const PCR_FILE_LIMIT = 1024 * 1024;

/** `--pcr sha256:10=HEX`. @throws UsageError */
export function parsePcrOption(text: string): GivenPcr {
  const [name = '', hex = ''] = text.split('=');
  const expected = expectedPcr(name, hex);
  if (expected === undefined || text.split('=').length !== 2) {
    throw new UsageError(`--pcr takes BANK:INDEX=HEX with the whole digest of the bank, not ${JSON.stringify(text)}`);
  }
  return { ...expected, from: 'option' };
}

/** `--pcrs FILE`: a line each, `bank:index hex`; empty lines are passed over. @throws FormatError PCR-LINE */
export async function readPcrFile(path: string): Promise<GivenPcr[]> {
  const lines = (await boundedContent(path, PCR_FILE_LIMIT)).toString('latin1').split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const [name = '', hex = '', ...more] = line.trim().split(/\s+/);
    const expected = more.length === 0 ? expectedPcr(name, hex) : undefined;
    if (expected !== undefined) return [{ ...expected, from: 'file' }];
    throw new FormatError('PCR-LINE', `${path}, line ${index + 1}: not \`bank:index hex\``, { line: index + 1 });
  });
}

function expectedPcr(name: string, hex: string): ExpectedPcr | undefined {
  const [, bank = '', index = ''] = /^([a-z0-9]+):(\d{1,2})$/.exec(name) ?? [];
  if (!isHashName(bank) || Number(index) > 23) return undefined;
  if (hashAlgorithm(bank).tpmId === undefined) return undefined; // TPMs have no such bank.
  if (!/^[0-9a-fA-F]+$/.test(hex) || hex.length !== 2 * hashAlgorithm(bank).size) return undefined;
  return { bank, pcr: Number(index), value: fromHex(hex) };
}
