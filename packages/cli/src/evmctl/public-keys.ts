import { readFileSync, statSync } from 'node:fs';
import { FormatError } from '@assay/core/errors';
import { keyIdOfKeyInfo, parseCertificateOutline, parsePublicKey, type PublicKey } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import { certificateKeyId } from './certificate-key-id.ts';
import type { Run } from './run.ts';

const DEFAULT_CERTIFICATE = '/etc/keys/x509_evm.der';
const LARGEST_FILE = 1024 * 1024;

interface CertificateKey {
  readonly keyId: number;
  /** Of the certificate, in DER. */
  readonly path: string;
  /** Undefined for a kind of key that only the openssl command knows. */
  readonly publicKey?: PublicKey;
}

/** The keys of --key, by which signatures are verified. */
export class PublicKeys {
  readonly #run: Run;
  readonly #keys: readonly CertificateKey[];
  readonly #unknown = new Set<number>();

  /** Reads the certificates, with the messages of evmctl for those that are none. */
  constructor(run: Run) {
    this.#run = run;
    const keys: CertificateKey[] = [];
    for (const path of (run.settings.key ?? DEFAULT_CERTIFICATE).split(/[, \t]/)) {
      const key = path === '' ? undefined : certificateKey(run, path);
      if (key === undefined) continue;
      keys.push(key);
      run.say(`key ${keys.length}: ${key.keyId.toString(16)} ${path}`);
    }
    this.#keys = keys;
  }

  /** The last one that was named with this id; says once that there is none. */
  find(keyId: number): CertificateKey | undefined {
    const found = this.#keys.findLast((key) => key.keyId === keyId);
    if (found !== undefined || this.#unknown.has(keyId)) return found;
    const number = this.#keys.length + this.#unknown.size + 1;
    if (this.#keys.length > 0) this.#unknown.add(keyId);
    this.#run.say(`key ${number}: ${keyId.toString(16)} (unknown keyid)`);
    return undefined;
  }
}

function certificateKey(run: Run, path: string): CertificateKey | undefined {
  const der = certificateContent(run, path);
  if (der === undefined) return undefined;
  try {
    const { keyInfo } = parseCertificateOutline(der);
    const keyId = certificateKeyId(run, path, 'any') ?? keyIdOfKeyInfo(nodeHasher, keyInfo);
    const publicKey = knownKey(keyInfo);
    return { keyId, path, ...(publicKey === undefined ? {} : { publicKey }) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    run.say(`Failed to d2i_X509_fp key file: ${path}\n${error.message}`);
    return undefined;
  }
}

/** Undefined where the file cannot be read, of which evmctl says something with -v only. */
export function certificateContent(run: Run, path: string): Uint8Array | undefined {
  const stats = run.attempt(() => statSync(path));
  if (stats?.isFile() === false) run.detail(`Key file is not regular file: ${path}`);
  if (stats?.isFile() !== true || stats.size > LARGEST_FILE) return undefined;
  const content = run.attempt(() => readFileSync(path));
  if (content === undefined) run.detail(`Failed to open keyfile: ${path}`);
  return content === undefined ? undefined : Uint8Array.from(content);
}

function knownKey(keyInfo: Uint8Array): PublicKey | undefined {
  try {
    return parsePublicKey(keyInfo);
  } catch (error) {
    if (error instanceof FormatError && error.code === 'KEY-UNKNOWN') return undefined;
    throw error;
  }
}
