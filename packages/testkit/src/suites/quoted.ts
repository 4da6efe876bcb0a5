import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import { isHashName, type HashName } from '@assay/core/hash';
import type { ExpectedPcr } from '@assay/core/measurement';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { checkAttestationKey, parsePublic, verifyQuote, type VerifiedQuote } from '@assay/core/tpm';
import { fileOf, textOf, type Files } from './suite.ts';

/** Of the TPMs of guests. */
export const TPM_BANKS: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];

/** What a guest is to quote, in all banks. */
export interface QuoteQuestion {
  readonly nonce: Uint8Array;
  readonly pcrs: readonly number[];
}

/** The file `quote` for programs of guests. */
export function quoteFile({ nonce, pcrs }: QuoteQuestion): Uint8Array {
  return utf8(`${toHex(nonce)} ${pcrs.join(',')}\n`);
}

/** The PCR values that a guest read. */
export function pcrsOf(files: Files): ExpectedPcr[] {
  return textOf(files, 'pcrs').trimEnd().split('\n').map(pcrOf);
}

function pcrOf(line: string): ExpectedPcr {
  const [place = '', hex = ''] = line.split(' ');
  const [bank = '', pcr] = place.split(':');
  if (!isHashName(bank)) throw new RangeError(`no bank ${bank}`);
  return { bank, pcr: Number(pcr), value: fromHex(hex) };
}

/**
 * The quote of a guest's TPM over the values that the guest read.
 * @throws VerificationError where core does not take it
 */
export function quoteOf(files: Files, { nonce, pcrs }: QuoteQuestion): VerifiedQuote {
  const values = pcrsOf(files);
  const valuesOf = (bank: HashName): Map<number, Uint8Array> =>
    new Map(
      values.filter((each) => each.bank === bank && pcrs.includes(each.pcr)).map(({ pcr, value }) => [pcr, value]),
    );
  const input = {
    ak: checkAttestationKey(parsePublic(fileOf(files, 'ak.pub')), nodeHasher),
    message: fileOf(files, 'quote.msg'),
    signature: fileOf(files, 'quote.sig'),
    extraData: nonce,
    selection: TPM_BANKS.map((bank) => ({ bank, pcrs })),
    pcrValues: new Map(TPM_BANKS.map((bank) => [bank, valuesOf(bank)])),
  };
  return verifyQuote(input, nodeCrypto);
}
