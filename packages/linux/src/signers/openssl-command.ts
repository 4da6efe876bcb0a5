import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HashName } from '@assay/core/hash';
import type { Signer } from '@assay/core/keys';
import { SystemError } from '@assay/core/errors';
import { outputOf, type Input } from './program.ts';

/** A PKCS#11 URI (RFC 7512), or the path of a PEM file with a key that Node does not know, such as SM2 or GOST. */
export type OpensslKey = string;

/** OpenSSL's names where they are not the kernel's. */
const NAMES: Partial<Record<HashName, string>> = {
  rmd160: 'ripemd160',
  streebog256: 'md_gost12_256',
  streebog512: 'md_gost12_512',
};

/** What OpenSSL loads to reach a key or to know its kind, such as the engine `gost`. */
export interface OpensslModule {
  readonly kind: 'engine' | 'provider';
  readonly name: string;
}

/** How OpenSSL reaches tokens: by the engine of libp11, or by the provider. */
const TOKEN_MODULES: readonly OpensslModule[] = [
  { kind: 'engine', name: 'pkcs11' },
  { kind: 'provider', name: 'pkcs11' },
];

/**
 * Signs by the `openssl` command: slower than in this process, and for keys that are not in reach of it.
 *
 * @param passphrase of the file, or PIN of the token
 * @param module for tokens, where it is not given, all that reach them are tried
 * @throws SystemError SIGNER-FAILED for a URI with the PIN in it, which every user could read
 */
export function opensslSigner(key: OpensslKey, passphrase?: string, module?: OpensslModule): Signer {
  refusePin(key);
  return {
    async sign(hash, digest) {
      const words = ['pkeyutl', '-sign', '-inkey', key, '-pkeyopt', `digest:${NAMES[hash] ?? hash}`];
      return Uint8Array.from(await run(key, words, { input: digest, ...secretOf(passphrase) }, module));
    },
  };
}

/** SubjectPublicKeyInfo in DER of such a key. @throws SystemError SIGNER-FAILED */
export async function opensslPublicKey(
  key: OpensslKey,
  passphrase?: string,
  module?: OpensslModule,
): Promise<Uint8Array> {
  refusePin(key);
  const words = ['pkey', '-in', key, '-pubout', '-outform', 'DER'];
  return run(key, words, { input: new Uint8Array(0), ...secretOf(passphrase) }, module);
}

/**
 * Whether a signature over a digest is by the key of a certificate, of a kind that is not known here, such as SM2 or GOST.
 *
 * @param certificate path of the file, in DER
 * @throws SystemError SIGNER-FAILED where the command cannot be started
 */
export async function opensslVerifies(
  certificate: string,
  hash: HashName,
  { digest, signature }: { readonly digest: Uint8Array; readonly signature: Uint8Array },
  module?: OpensslModule,
): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'assay-signature-'));
  try {
    const file = join(directory, 'signature');
    await writeFile(file, signature);
    const words = ['pkeyutl', '-verify', '-certin', '-inkey', certificate, '-sigfile', file];
    await run(certificate, [...words, '-pkeyopt', `digest:${NAMES[hash] ?? hash}`], { input: digest }, module);
    return true;
  } catch (error) {
    if (error instanceof SystemError && error.code === 'SIGNER-FAILED' && error.cause === undefined) return false;
    throw error;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/**
 * Digest by an algorithm that is not known here.
 *
 * @param content of a file, by its path, or bytes
 * @throws SystemError SIGNER-FAILED
 */
export async function opensslDigest(
  content: string | Uint8Array,
  hash: HashName,
  module?: OpensslModule,
): Promise<Uint8Array> {
  const words = ['dgst', '-binary', `-${NAMES[hash] ?? hash}`];
  if (typeof content === 'string') return run(content, [...words, content], { input: new Uint8Array(0) }, module);
  return run('', words, { input: content }, module);
}

function secretOf(passphrase: string | undefined): { secret?: string } {
  return passphrase === undefined ? {} : { secret: passphrase };
}

function refusePin(key: OpensslKey): void {
  if (!/[?&]pin-value=/.test(key)) return;
  throw new SystemError('SIGNER-FAILED', 'the URI has the PIN in it, where every user can read it: give it apart');
}

async function run(key: string, words: readonly string[], given: Input, module?: OpensslModule): Promise<Buffer> {
  const whole = given.secret === undefined ? words : [...words, '-passin', 'fd:3'];
  if (!key.startsWith('pkcs11:')) return outputOf('openssl', loading(whole, module), given);
  let failure: unknown;
  for (const way of module === undefined ? TOKEN_MODULES : [module]) {
    try {
      return await outputOf('openssl', loading(whole, way, true), given);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** `pkey` names the form of its input otherwise than `pkeyutl`; `dgst` wants options before the file. */
function loading([command = '', ...words]: readonly string[], module?: OpensslModule, isToken = false): string[] {
  if (module === undefined) return [command, ...words];
  const { kind, name } = module;
  if (kind === 'provider') return [command, '-provider', name, '-provider', 'default', ...words];
  const form = isToken ? [command === 'pkey' ? '-inform' : '-keyform', 'engine'] : [];
  return [command, '-engine', name, ...form, ...words];
}
