import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex, toBase64, toHex } from '@assay/core/bytes';
import { nodeCrypto } from '@assay/core/node';
import {
  checkAttestationKey,
  encodeToolsPcrs,
  parsePublic,
  verifyQuote,
  type AkTemplateName,
  type PcrSelection,
  type VerifiedAttestationKey,
  type VerifiedQuote,
} from '@assay/core/tpm';
import { quoteWithValues, type QuoteWithValues, type Tpm } from '@assay/linux/tpm';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown, table } from '../output/terminal.ts';
import { readKeyFile, writeKeyFile, type KeptKey } from '../tpm-key-file.ts';
import { AK_NAMES, EK_NAMES } from '../tpm-key-names.ts';
import { parsePcrSelection, TpmOptions, withTpm } from '../tpm-options.ts';
import { pcrLines, pcrsDocument } from './tpm-pcrs.ts';

const QuoteOptions = TpmOptions.extend({
  nonce: z.string().regex(/^(?:[0-9a-fA-F]{2}){16,64}$/, 'takes 16 to 64 bytes in hexadecimal'),
  pcrs: z.string(),
  key: z.string().min(1).optional(),
  ek: z.enum(EK_NAMES).optional(),
  ak: z.enum(AK_NAMES).optional(),
  out: z.string().min(1).optional(),
});

interface Made extends QuoteWithValues {
  readonly ak: VerifiedAttestationKey;
  readonly ek: KeptKey['ek'];
  /** TPM2B_PUBLIC. */
  readonly akPublic: Uint8Array;
  readonly quote: VerifiedQuote;
}

/** `assay tpm quote`: asks the TPM to sign PCR values, checks what it signed, and writes it for others to check. */
export async function tpmQuote(given: unknown): Promise<number> {
  const options = optionsFrom(QuoteOptions, given);
  const selection = parsePcrSelection(options.pcrs);
  return withTpm(options.tpm, async (tpm) => {
    const key = await keyFor(tpm, options);
    const made = await quoteBy(tpm, key, fromHex(options.nonce), selection);
    const files = options.out === undefined ? {} : await writeFiles(options.out, made, selection);
    if (options.output === 'json') printJson({ schema: 'assay.tpm-quote.v1', ...documentOf(made, selection), files });
    else process.stdout.write(textOf(made, files));
    return EXIT.fine;
  });
}

/** The key that is kept in the file, or a new one, which is kept there if a file is named. */
async function keyFor(
  tpm: Tpm,
  options: { key?: string | undefined; ek?: KeptKey['ek'] | undefined; ak?: AkTemplateName | undefined },
): Promise<KeptKey> {
  const kept = options.key === undefined ? undefined : await readKeyFile(options.key);
  if (kept !== undefined) return kept;
  const ek = options.ek ?? 'L-2';
  const { handle } = await tpm.createEndorsementKey(ek);
  const blobs = await tpm.using(handle, () => tpm.createAttestationKey(handle, options.ak));
  if (options.key !== undefined) await writeKeyFile(options.key, { ek, blobs });
  return { ek, blobs };
}

async function quoteBy(
  tpm: Tpm,
  { ek, blobs }: KeptKey,
  extraData: Uint8Array,
  selection: readonly PcrSelection[],
): Promise<Made> {
  const ak = checkAttestationKey(parsePublic(blobs.public), nodeCrypto.hasher);
  const parent = await tpm.createEndorsementKey(ek);
  const loaded = await tpm.using(parent.handle, () => tpm.loadAttestationKey(parent.handle, blobs));
  return tpm.using(loaded.handle, async () => {
    const made = await quoteWithValues(tpm, { handle: loaded.handle, hash: ak.hash }, extraData, selection);
    const quote = verifyQuote({ ak, ...made, extraData, selection, pcrValues: made.values }, nodeCrypto);
    return { ...made, ak, ek, akPublic: blobs.public, quote };
  });
}

/** Names and forms of tpm2_quote, so that tpm2_checkquote takes them too. */
async function writeFiles(
  directory: string,
  made: Made,
  selection: readonly PcrSelection[],
): Promise<Record<string, string>> {
  await mkdir(directory, { recursive: true });
  const contents = {
    ak: ['ak.pub', made.akPublic],
    message: ['quote.msg', made.message],
    signature: ['quote.sig', made.signature],
    pcrs: ['quote.pcrs', encodeToolsPcrs(selection, made.values)],
  } as const;
  const files: Record<string, string> = {};
  for (const [name, [file, bytes]] of Object.entries(contents)) {
    const path = join(directory, file);
    await writeFile(path, bytes);
    files[name] = path;
  }
  return files;
}

function documentOf(made: Made, selection: readonly PcrSelection[]): object {
  const { ak, quote } = made;
  return {
    ek: made.ek,
    ak: { name: toHex(ak.name), scheme: ak.scheme, hash: ak.hash, public: toBase64(made.akPublic) },
    message: toBase64(made.message),
    signature: toBase64(made.signature),
    selection,
    pcrs: pcrsDocument(made.values),
    clock: quote.clock.toString(),
    resetCount: quote.resetCount,
    restartCount: quote.restartCount,
    safe: quote.safe,
  };
}

function textOf(made: Made, files: Readonly<Record<string, string>>): string {
  const { ak, quote } = made;
  const rows = [
    ['attestation key', `${ak.scheme} with ${ak.hash}, name ${toHex(ak.name)}`],
    ['boot', `reset ${quote.resetCount}, restart ${quote.restartCount}, clock ${quote.clock} ms`],
    ...Object.entries(files).map(([name, path]) => [name, shown(path)]),
  ];
  return pcrLines(made.values) + table(rows);
}
