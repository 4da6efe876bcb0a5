import { decryptKey } from '@assay/core/evm';
import { nodeCrypto } from '@assay/core/node';
import type { EvmKeyText } from '@assay/linux/keyrings';
import type { TpmAddress } from '@assay/linux/tpm';
import { EXIT, UsageError } from '../exit.ts';
import { withTpm } from '../tpm-options.ts';
import { unsealFile } from '../tpm-unsealing.ts';
import { EVM_KEY_FILE, readEvmKeyText, readPlainMaster, readSealed, sealedNames } from './directory.ts';

/** The EVM key of a directory with its own bytes, for checks before it is loaded; or why its master key stays sealed. */
export type OpenedEvmKey =
  | (EvmKeyText & { readonly payload: Uint8Array })
  | { readonly sealed: readonly { readonly file: string; readonly reason: string; readonly sentence: string }[] };

/** @throws UsageError; FormatError EVM-KEY, TPM-STRUCTURE; VerificationError EVM-KEY-INVALID; SystemError TPM-* */
export async function openEvmKey(directory: string, tpm: TpmAddress): Promise<OpenedEvmKey> {
  const key = await readEvmKeyText(directory);
  if (key === undefined) throw new UsageError(`${directory} has no ${EVM_KEY_FILE}: assay key evm create`);
  const names = await sealedNames(directory);
  const master = names.length > 0 ? await unsealed(directory, names, tpm) : await readPlainMaster(directory);
  if (master === undefined) throw new UsageError(`${directory} has no master key: assay key evm create`);
  if ('sealed' in master) return master;
  const { payload } = decryptKey(key.parsed, master, nodeCrypto);
  return { text: key.text, master: key.parsed.master, masterPayload: master, payload };
}

type Unsealed = Uint8Array | Extract<OpenedEvmKey, { readonly sealed: unknown }>;

/** The master key from the first file whose conditions hold. */
async function unsealed(directory: string, names: readonly string[], address: TpmAddress): Promise<Unsealed> {
  let found: Unsealed = { sealed: [] };
  const code = await withTpm(address, async (tpm) => {
    const refusals = [];
    for (const file of names) {
      const answer = await unsealFile(tpm, await readSealed(directory, file));
      if ('data' in answer) {
        found = answer.data;
        return EXIT.fine;
      }
      refusals.push({ file, ...answer });
    }
    found = { sealed: refusals };
    return EXIT.fine;
  });
  if (code === EXIT.interrupted) process.exit(code);
  return found;
}
