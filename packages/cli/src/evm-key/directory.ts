import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEncryptedKey, type ParsedEncryptedKey } from '@assay/core/evm';
import { parseSealedFile, type SealedFile } from '@assay/core/tpm';
import { boundedContent } from '../bounded-file.ts';
import { isFileError } from '../exit.ts';

export const EVM_KEY_FILE = 'evm-user.blob';
export const MASTER_KEY_FILE = 'kmk-user.blob';
const SEALED = /^kmk-user(?:\.\d{1,3})?\.sealed$/;
const LARGEST_FILE = 64 * 1024;

/** `kmk-user.sealed`; further ones, for other PCR values, have numbers. */
export function sealedName(number: number): string {
  return number === 0 ? 'kmk-user.sealed' : `kmk-user.${number}.sealed`;
}

/** Names of the sealed forms of the master key. */
export async function sealedNames(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => SEALED.test(name)).toSorted();
}

/** @throws FormatError TPM-STRUCTURE, DER-FORM, TEXT-BASE64 */
export async function readSealed(directory: string, name: string): Promise<SealedFile> {
  return parseSealedFile((await boundedContent(join(directory, name), LARGEST_FILE)).toString('latin1'));
}

/** Undefined where there is none. @throws FormatError EVM-KEY */
export async function readEvmKeyText(
  directory: string,
): Promise<{ readonly text: string; readonly parsed: ParsedEncryptedKey } | undefined> {
  const content = await optional(join(directory, EVM_KEY_FILE));
  const text = content?.toString('latin1').trimEnd();
  return text === undefined ? undefined : { text, parsed: parseEncryptedKey(text) };
}

/** The master key where it is not sealed. */
export function readPlainMaster(directory: string): Promise<Buffer | undefined> {
  return optional(join(directory, MASTER_KEY_FILE));
}

async function optional(path: string): Promise<Buffer | undefined> {
  try {
    return await boundedContent(path, LARGEST_FILE);
  } catch (error) {
    if (isFileError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
