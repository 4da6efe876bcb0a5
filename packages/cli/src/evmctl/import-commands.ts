import { FormatError } from '@assay/core/errors';
import { keyIdOfKeyInfo, keyIdOfVersion1, keyOfVersion1, parseCertificateOutline } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import { toHex, utf8 } from '@assay/core/bytes';
import { addCertificate, addUserKey } from '@assay/linux/keyrings';
import { writeNamed } from './labels.ts';
import { certificateContent } from './public-keys.ts';
import { Failure, type Run } from './run.ts';
import { version1Key } from './verify-digest.ts';

/** include/uapi/linux/keyctl.h, KEY_SPEC_* */
const KEYRINGS: ReadonlyMap<string, number> = new Map([
  ['@t', -1],
  ['@p', -2],
  ['@s', -3],
  ['@u', -4],
  ['@us', -5],
  ['@g', -6],
]);
const USER_KEYRING = -4;

/** `evmctl import` */
export async function importKey(run: Run, path: string | undefined, ring: string | undefined): Promise<void> {
  const keyring = keyringOf(ring);
  const add = run.settings.version1 ? publicKey(run, path) : certificate(run, path);
  run.say(`Importing public key ${add.name} from file ${add.path} into keyring ${keyring}`);
  const serial = run.attempt(() => add.into(keyring));
  if (serial === undefined) throw new Failure('add_key failed');
  run.say(`keyid: ${serial}`);
  run.out(`${serial}\n`);
}

interface Addition {
  readonly path: string;
  readonly name: string;
  readonly into: (keyring: number) => number;
}

function keyringOf(ring: string | undefined): number {
  if (ring === undefined) return USER_KEYRING;
  if (ring.startsWith('@')) return KEYRINGS.get(ring) ?? USER_KEYRING;
  const number = Number.parseInt(ring, ring.startsWith('0x') ? 16 : 10);
  return Number.isNaN(number) ? 0 : number | 0; // key_serial_t has 32 bits.
}

function certificate(run: Run, path = '/etc/keys/x509_evm.der'): Addition {
  const der = certificateContent(run, path);
  if (der === undefined) throw new Failure('', 1);
  const keyId = keyIdOf(der, path);
  run.say(`Reading to ${path}`);
  return { path, name: keyId.toString(16), into: (keyring) => addCertificate(der, keyring) };
}

/** Of the key itself: the kernel finds it by the identifier in the certificate. */
function keyIdOf(der: Uint8Array, path: string): number {
  try {
    return keyIdOfKeyInfo(nodeHasher, parseCertificateOutline(der).keyInfo);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new Failure(`Failed to d2i_X509_fp key file: ${path}\n${error.message}`, 1);
  }
}

function publicKey(run: Run, path = '/etc/keys/pubkey_evm.pem'): Addition {
  const { name, bytes } = version1Form(run, path);
  return { path, name, into: (keyring) => addUserKey(name, bytes, keyring) };
}

function version1Form(run: Run, path: string): { readonly name: string; readonly bytes: Uint8Array } {
  const key = version1Key(run, path);
  const name = toHex(keyIdOfVersion1(nodeHasher, key))
    .toUpperCase()
    .replace(/^0+(?=.)/, '');
  run.detail(`keyid-v1: ${name}`);
  return { name, bytes: keyOfVersion1(key) };
}

/** `evmctl convert`: writes a public key as its keyring takes it, and its name. */
export async function convertKey(run: Run, path = '/etc/keys/pubkey_evm.pem'): Promise<void> {
  const { name, bytes } = version1Form(run, path);
  writeNamed(run, Buffer.from(`${path}.bin`), bytes);
  writeNamed(run, Buffer.from(`${path}.keyid`), utf8(name));
}
