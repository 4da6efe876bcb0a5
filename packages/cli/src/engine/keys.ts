import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvmState } from '@assay/core/appraisal';
import { SystemError } from '@assay/core/errors';
import { DEBIAN_EVM_XATTRS, EVM_XATTRS } from '@assay/core/evm';
import type { LabelKey } from '@assay/core/label';
import { openEvmKey } from '../evm-key/open.ts';
import { UsageError } from '../exit.ts';
import { readLabelKeys } from '../labels/certificates.ts';
import { readEvmKey } from '../labels/evm-key.ts';
import type { Deciding } from './options.ts';

/**
 * The keys of certificates, each path a file or a directory such as /etc/keys.
 * @throws UsageError; FormatError DER-FORM, KEY-UNKNOWN, BYTES-LIMIT
 */
export async function keysAt(paths: readonly string[], option: string): Promise<LabelKey[]> {
  const files = await Promise.all(paths.map((path) => certificateFiles(path, option)));
  return readLabelKeys(files.flat());
}

async function certificateFiles(path: string, option: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = await readdir(path);
  const found = names.filter((name) => /\.(?:der|pem|crt|cer)$/.test(name)).map((name) => join(path, name));
  if (found.length === 0) throw new UsageError(`${option} ${path}: no file in it ends in .der, .pem, .crt or .cer`);
  return found.toSorted();
}

type Options = Pick<Deciding, 'evmKey' | 'masterKey' | 'evmCert' | 'kernel' | 'tpm'>;

/**
 * EVM as these options start it; undefined without a key of its own, as a kernel then says nothing of metadata.
 * @param keys of files, which sign metadata, too, where no others are named
 * @throws UsageError; FormatError EVM-KEY; VerificationError EVM-KEY-INVALID; SystemError TPM-*
 */
export async function evmState(options: Options, keys: readonly LabelKey[]): Promise<EvmState | undefined> {
  const { evmKey, masterKey, evmCert, kernel } = options;
  if (evmKey === undefined && masterKey !== undefined) throw new UsageError('--master-key is for the --evm-key');
  if (evmKey === undefined && evmCert.length === 0) return undefined;
  const signers = evmCert.length === 0 ? keys : await keysAt(evmCert, '--evm-cert');
  return {
    version: kernel,
    hmacKey: evmKey === undefined ? null : await hmacKey(evmKey, options),
    x509: signers.length > 0,
    keys: signers,
    enabled: DEBIAN_EVM_XATTRS,
    listed: EVM_XATTRS,
    wordBits: 64,
  };
}

/** Of a file, or of a directory that `assay key evm create` wrote, whose master key the TPM may have to unseal. */
async function hmacKey(path: string, { masterKey, tpm }: Options): Promise<Uint8Array> {
  if (!(await stat(path)).isDirectory()) return readEvmKey(path, masterKey);
  if (masterKey !== undefined) throw new UsageError('--evm-key names a directory, which has its master key in it');
  const opened = await openEvmKey(path, tpm);
  if (!('sealed' in opened)) return opened.payload;
  const reasons = opened.sealed.map(({ file, sentence }) => `${file}: ${sentence}`);
  throw new SystemError('TPM-SEALED', `the master key in ${path}: ${reasons.join('; ')}`);
}
