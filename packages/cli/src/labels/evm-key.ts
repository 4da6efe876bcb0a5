import { decryptKey, parseEncryptedKey } from '@assay/core/evm';
import { FormatError } from '@assay/core/errors';
import { nodeCrypto } from '@assay/core/node';
import { boundedContent } from '../bounded-file.ts';
import { UsageError } from '../exit.ts';

const LARGEST_FILE = 16_384;
const LARGEST_KEY = 128;

/**
 * The EVM key of a file: its bytes, or the text of an `encrypted` key and the payload of its master key.
 * @throws FormatError EVM-KEY, BYTES-LIMIT; VerificationError EVM-KEY-INVALID; UsageError
 */
export async function readEvmKey(path: string, master: string | undefined): Promise<Uint8Array> {
  const content = await boundedContent(path, LARGEST_FILE);
  if (!/^\w+ (?:user|trusted):/.test(content.toString('latin1'))) {
    if (content.length > 0 && content.length <= LARGEST_KEY) return Uint8Array.from(content);
    throw new FormatError('EVM-KEY', `${path} has ${content.length} bytes: an EVM key has 1 to 128`);
  }
  if (master === undefined) throw new UsageError('--evm-key is an encrypted key: give --master-key');
  const payload = await boundedContent(master, LARGEST_FILE);
  return decryptKey(parseEncryptedKey(content.toString('latin1')), payload, nodeCrypto).payload;
}
