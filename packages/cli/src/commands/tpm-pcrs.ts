import { toHex } from '@assay/core/bytes';
import { hashAlgorithm, HASH_NAMES } from '@assay/core/hash';
import type { BankValues, PcrSelection } from '@assay/core/tpm';
import { readBanks, readSelected, type Tpm } from '@assay/linux/tpm';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { parsePcrSelection, TpmOptions, withTpm } from '../tpm-options.ts';

const PcrsOptions = TpmOptions.extend({ pcrs: z.string().optional() });

/** `assay tpm pcrs`: one line for each value, as `--pcrs FILE` of other commands reads them. */
export async function tpmPcrs(given: unknown): Promise<number> {
  const options = optionsFrom(PcrsOptions, given);
  const asked = options.pcrs === undefined ? undefined : parsePcrSelection(options.pcrs);
  return withTpm(options.tpm, async (tpm) => {
    const values = await readSelected(tpm, asked ?? (await everything(tpm)));
    if (options.output === 'json')
      printJson({ schema: 'assay.tpm-pcrs.v1', tpm: tpm.description, pcrs: pcrsDocument(values) });
    else process.stdout.write(pcrLines(values));
    return EXIT.fine;
  });
}

/** Every active PCR of the banks that Assay knows. */
async function everything(tpm: Tpm): Promise<PcrSelection[]> {
  const banks = await readBanks((each) => tpm.run(each));
  return banks.flatMap(({ algorithm, pcrs }) => {
    const bank = HASH_NAMES.find((name) => hashAlgorithm(name).tpmId === algorithm);
    return bank === undefined || pcrs.length === 0 ? [] : [{ bank, pcrs }];
  });
}

/** `{sha256: {0: HEX}}`. */
export function pcrsDocument(values: BankValues): Record<string, Record<string, string>> {
  return Object.fromEntries(
    Array.from(values, ([bank, ofBank]) => [
      bank,
      Object.fromEntries(Array.from(ofBank, ([pcr, value]) => [String(pcr), toHex(value)])),
    ]),
  );
}

/** `sha256:0 HEX`, a line each. */
export function pcrLines(values: BankValues): string {
  const lines = [...values].flatMap(([bank, ofBank]) =>
    [...ofBank].map(([pcr, value]) => `${bank}:${pcr} ${toHex(value)}\n`),
  );
  return lines.join('');
}
