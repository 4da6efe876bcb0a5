import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { encryptKey } from '@assay/core/evm';
import { nodeCrypto } from '@assay/core/node';
import { boundedContent } from '../bounded-file.ts';
import { isFileError } from '../exit.ts';

const EVM_KEY_SIZE = 64;
const MASTER_KEY_SIZE = 32;
const LARGEST_MASTER_KEY = 4096;

interface Parameters {
  readonly out: string;
  /** Such as `user:kmk`. */
  readonly master: string;
  /** File of its payload. */
  readonly masterKey: string;
}

/** An EVM key as the text that the kernel loads, encrypted under a master key, which is made where there is none. */
export async function generateEvmKey({ out, master, masterKey }: Parameters): Promise<Record<string, string>> {
  const payload = (await existing(masterKey)) ?? (await made(masterKey));
  const text = encryptKey(randomBytes(EVM_KEY_SIZE), { name: master, payload }, randomBytes(16), nodeCrypto);
  await writeFile(out, text, { mode: 0o600, flag: 'wx' });
  const name = master.slice(master.indexOf(':') + 1);
  const loadMaster = `keyctl padd ${master.startsWith('user:') ? 'user' : 'trusted'} ${name} @u <${masterKey}`;
  return { key: out, masterKey, load: `${loadMaster}; keyctl add encrypted evm-key "load $(cat ${out})" @u` };
}

async function existing(path: string): Promise<Buffer | undefined> {
  try {
    return await boundedContent(path, LARGEST_MASTER_KEY);
  } catch (error) {
    if (isFileError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function made(path: string): Promise<Buffer> {
  const payload = randomBytes(MASTER_KEY_SIZE);
  await writeFile(path, payload, { mode: 0o600, flag: 'wx' });
  return payload;
}
