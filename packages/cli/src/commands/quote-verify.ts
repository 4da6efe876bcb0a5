import { fromHex, toHex } from '@assay/core/bytes';
import { VerificationError } from '@assay/core/errors';
import { stepOf } from '@assay/core/evidence';
import type { HashName } from '@assay/core/hash';
import { nodeCrypto } from '@assay/core/node';
import { parseAttest, verifyQuote, type BankValues, type PcrSelection, type VerifiedQuote } from '@assay/core/tpm';
import { z } from 'zod';
import { readAttestingKey } from '../attesting-key-file.ts';
import { boundedContent } from '../bounded-file.ts';
import { EXIT, UsageError } from '../exit.ts';
import { OutputOptions, optionsFrom } from '../options.ts';
import { printJson, remedyOf } from '../output/report.ts';
import { colours, shown, table } from '../output/terminal.ts';
import { parsePcrOption } from '../pcr-values.ts';

const QuoteOptions = OutputOptions.extend({
  ak: z.string(),
  message: z.string(),
  signature: z.string(),
  nonce: z.string().regex(/^(?:[0-9a-fA-F]{2})+$/, 'takes hexadecimal'),
  pcr: z.array(z.string(), 'is needed for each PCR that the quote must cover'),
});

/** TPMS_ATTEST and TPMT_SIGNATURE are far shorter. */
const LIMIT = 64 * 1024;
const BARE_KEY =
  'The key is known from PEM only: nothing here shows that a TPM holds it, or that it signs nothing but what that TPM says.';

type Answer = { readonly quote: VerifiedQuote } | { readonly refused: VerificationError };

/** `assay quote verify`: exit code 0 when the key signed exactly these PCR values for this nonce, else 1. */
export async function verifyQuoteFiles(given: unknown): Promise<number> {
  const options = optionsFrom(QuoteOptions, given);
  const pcrValues = expectedValues(options.pcr);
  const message = await boundedContent(options.message, LIMIT);
  const signature = await boundedContent(options.signature, LIMIT);
  const selection = askedSelection(pcrValues, message);
  const extraData = fromHex(options.nonce);
  const answer = await answerOf(async () => {
    const ak = await readAttestingKey(options.ak, signature);
    return verifyQuote({ ak, message, signature, extraData, selection, pcrValues }, nodeCrypto);
  });
  if (options.output === 'json') printJson({ schema: 'assay.quote-verify.v1', ...documentOf(answer) });
  else process.stdout.write(textOf(answer));
  return 'quote' in answer ? EXIT.fine : EXIT.no;
}

async function answerOf(verify: () => Promise<VerifiedQuote>): Promise<Answer> {
  try {
    return { quote: await verify() };
  } catch (error) {
    if (error instanceof VerificationError) return { refused: error };
    throw error;
  }
}

function expectedValues(options: readonly string[]): BankValues {
  const values = new Map<HashName, Map<number, Uint8Array>>();
  for (const { bank, pcr, value } of options.map(parsePcrOption)) {
    const ofBank = values.get(bank) ?? new Map<number, Uint8Array>();
    if (ofBank.has(pcr)) throw new UsageError(`--pcr ${bank}:${pcr} is given twice`);
    values.set(bank, ofBank.set(pcr, value));
  }
  return values;
}

/**
 * The banks that were asked for, in the order in which the quote has them: that order is the TPM's to choose, and the
 * signature covers it.
 */
function askedSelection(values: BankValues, message: Uint8Array): PcrSelection[] {
  const { attested } = parseAttest(message, 'quote');
  const signed = attested.kind === 'quote' ? attested.selection.map(({ bank }) => bank) : [];
  const place = (bank: HashName): number => signed.indexOf(bank);
  return [...values]
    .toSorted(([one], [other]) => place(one) - place(other))
    .map(([bank, ofBank]) => ({ bank, pcrs: [...ofBank.keys()].toSorted((a, b) => a - b) }));
}

function documentOf(answer: Answer): object {
  if ('refused' in answer) {
    const { code, message, place } = answer.refused;
    return { verified: false, step: stepOf(code), code, message, remedy: remedyOf(code), place };
  }
  const { quote } = answer;
  return {
    verified: true,
    key: quote.akName === undefined ? { proved: false } : { proved: true, name: toHex(quote.akName) },
    clock: quote.clock.toString(),
    resetCount: quote.resetCount,
    restartCount: quote.restartCount,
    safe: quote.safe,
    firmwareVersion: quote.firmwareVersion.toString(16).padStart(16, '0'),
    pcrs: rowsOf(quote),
    notes: quote.akName === undefined ? [BARE_KEY] : [],
  };
}

function rowsOf({ pcrValues }: VerifiedQuote): { bank: HashName; pcr: number; value: string }[] {
  return [...pcrValues].flatMap(([bank, values]) =>
    [...values].toSorted(([a], [b]) => a - b).map(([pcr, value]) => ({ bank, pcr, value: toHex(value) })),
  );
}

function textOf(answer: Answer): string {
  const colour = colours(1);
  if ('refused' in answer) {
    const { code, message } = answer.refused;
    return `${colour.red('refused')} ${code}: ${shown(message)}\n${colour.dim('what to do')} ${remedyOf(code)}\n`;
  }
  const { quote } = answer;
  const rows = rowsOf(quote).map(({ bank, pcr, value }) => [`  ${bank}:${pcr}`, value]);
  return [
    `${colour.green('verified')}: the key signed these PCR values for this nonce\n`,
    table(rows),
    `clock ${quote.clock} ms${quote.safe ? '' : ' (may have gone back: not saved before a power loss)'}, `,
    `reset ${quote.resetCount}, restart ${quote.restartCount}\n`,
    quote.akName === undefined ? `${colour.yellow('note')} ${BARE_KEY}\n` : `key name ${toHex(quote.akName)}\n`,
  ].join('');
}
