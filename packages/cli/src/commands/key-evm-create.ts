import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory } from '@assay/linux/files';
import { decryptKey, encryptKey } from '@assay/core/evm';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { encodeSealedFile, pcrComposite, type BankValues, type PcrSelection } from '@assay/core/tpm';
import { readSelected, sealData, type Tpm } from '@assay/linux/tpm';
import { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import {
  EVM_KEY_FILE,
  MASTER_KEY_FILE,
  readEvmKeyText,
  readPlainMaster,
  sealedName,
  sealedNames,
} from '../evm-key/directory.ts';
import { EXIT, UsageError } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { readPcrFile } from '../pcr-values.ts';
import { parsePcrSelection, TpmOptions, withTpm } from '../tpm-options.ts';

const File = z.string().min(1, 'names no file');

const Options = TpmOptions.extend({
  dir: File,
  pcrs: z.string(),
  alsoPcrs: z.array(File).default([]),
  unsealed: z.boolean().default(false),
  masterKey: File.optional(),
  backup: File.optional(),
});

type Given = z.infer<typeof Options>;

const EVM_KEY_SIZE = 64;
const MASTER_KEY_SIZE = 32;
/** What a TPM seals. */
const LARGEST_MASTER_KEY = 128;
const MASTER = 'user:kmk';

/** `assay key evm create`: a master key, sealed, and the EVM key under it. */
export async function createEvmKey(given: unknown): Promise<number> {
  const options = optionsFrom(Options, given);
  if (options.unsealed && options.alsoPcrs.length > 0)
    throw new UsageError('--also-pcrs seals, and --unsealed does not');
  const selection = parsePcrSelection(options.pcrs);
  makePrivateDirectory(options.dir);
  const master = await masterKey(options);
  const files = [await keptEvmKey(options.dir, master)];
  if (options.backup !== undefined) {
    await writeFile(options.backup, master, { mode: 0o600, flag: 'wx' });
    files.push(options.backup);
  }
  if (!options.unsealed) {
    return withTpm(options.tpm, async (tpm) => {
      files.push(...(await sealedFiles(tpm, master, selection, options)));
      return told(options, files, selection);
    });
  }
  const path = join(options.dir, MASTER_KEY_FILE);
  await writeFile(path, master, { mode: 0o600 });
  for (const name of await sealedNames(options.dir)) await rm(join(options.dir, name));
  return told(options, [...files, path], []);
}

/** A new one, unless a backup of one is given: that is sealed again, for what the PCRs are now. */
async function masterKey({ masterKey: path, dir }: Given): Promise<Buffer> {
  if (path !== undefined) {
    const payload = await boundedContent(path, LARGEST_MASTER_KEY);
    if (payload.length === 0) throw new UsageError('--master-key is empty');
    return payload;
  }
  const plain = await readPlainMaster(dir);
  if (plain !== undefined || (await readEvmKeyText(dir)) !== undefined || (await sealedNames(dir)).length > 0) {
    throw new UsageError(`${dir} has an EVM key already: --master-key seals its master key again`);
  }
  return randomBytes(MASTER_KEY_SIZE);
}

/** @throws VerificationError EVM-KEY-INVALID where there is one under another master key */
async function keptEvmKey(directory: string, master: Uint8Array): Promise<string> {
  const path = join(directory, EVM_KEY_FILE);
  const old = await readEvmKeyText(directory);
  if (old !== undefined) {
    decryptKey(old.parsed, master, nodeCrypto);
    return path;
  }
  const text = encryptKey(randomBytes(EVM_KEY_SIZE), { name: MASTER, payload: master }, randomBytes(16), nodeCrypto);
  await writeFile(path, text, { mode: 0o600, flag: 'wx' });
  return path;
}

/** One file for the values of this moment, and one for each set of others: any of them will do to unseal. */
async function sealedFiles(
  tpm: Tpm,
  master: Uint8Array,
  selection: readonly PcrSelection[],
  { dir, alsoPcrs }: Given,
): Promise<string[]> {
  const states = [await readSelected(tpm, selection), ...(await Promise.all(alsoPcrs.map(readValues)))];
  const texts = [];
  for (const values of states) {
    const pcrDigest = pcrComposite(nodeHasher, 'sha256', selection, values);
    const blobs = await sealData(tpm, master, { selection, values });
    texts.push(encodeSealedFile({ ...blobs, pcrs: { selection, pcrDigest }, password: false }));
  }
  for (const name of await sealedNames(dir)) await rm(join(dir, name));
  const paths = texts.map((_, number) => join(dir, sealedName(number)));
  for (const [number, text] of texts.entries()) await writeFile(paths[number] ?? '', text, { mode: 0o600, flag: 'wx' });
  await rm(join(dir, MASTER_KEY_FILE), { force: true }); // Left there, it would make sealing worthless.
  return paths;
}

async function readValues(path: string): Promise<BankValues> {
  const values = Map.groupBy(await readPcrFile(path), ({ bank }) => bank);
  return new Map(Array.from(values, ([bank, given]) => [bank, new Map(given.map(({ pcr, value }) => [pcr, value]))]));
}

function told({ output }: Given, files: readonly string[], selection: readonly PcrSelection[]): number {
  if (output === 'json') printJson({ schema: 'assay.key-evm-create.v1', files, selection });
  else for (const file of files) process.stdout.write(`${shown(file)}\n`);
  return EXIT.fine;
}
