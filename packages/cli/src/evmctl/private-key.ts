import { isatty } from 'node:tty';
import { toHex } from '@assay/core/bytes';
import { AssayError, FormatError } from '@assay/core/errors';
import { encodePublicKey, keyIdOfKeyInfo, type Signer } from '@assay/core/keys';
import type { LabelSigner, Version1Signer } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { isEncryptedPem, openPemKey, opensslPublicKey, opensslSigner } from '@assay/linux/signers';
import { certificateKeyId } from './certificate-key-id.ts';
import { Failure, type Run } from './run.ts';

const DEFAULT_KEY = '/etc/keys/privkey_evm.pem';

interface PrivateKey {
  readonly signer: Signer;
  /** SubjectPublicKeyInfo in DER. */
  readonly keyInfo: () => Promise<Uint8Array>;
  readonly version1?: Version1Signer;
}

/** The key of --key with the id that its signatures get. @throws Failure */
export async function labelSigner(run: Run): Promise<LabelSigner> {
  const { settings } = run;
  const key = await privateKey(run);
  const keyId = settings.keyId ?? besideKey(run) ?? (await ownKeyId(run, key));
  return { keyId, sign: (hash, digest) => key.signer.sign(hash, digest) };
}

/** @throws Failure for another key than RSA */
export async function version1Signer(run: Run): Promise<Version1Signer> {
  const { version1 } = await privateKey(run);
  if (version1 === undefined) throw new Failure('read_priv_key: unsupported key type');
  return version1;
}

async function privateKey(run: Run): Promise<PrivateKey> {
  const path = run.settings.key ?? DEFAULT_KEY;
  if (path.startsWith('pkcs11:')) return tokenKey(run, path);
  const pem = run.content(path);
  if (pem === undefined) throw new Failure(`Failed to open keyfile: ${path}`);
  try {
    return await pemKey(run, path, pem);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new Failure(`Failed to PEM_read_PrivateKey key file: ${path}\n${error.message}`);
  }
}

async function pemKey(run: Run, path: string, pem: Buffer): Promise<PrivateKey> {
  const { module } = run.settings;
  const passphrase = isEncryptedPem(pem) ? await passphraseOf(run) : undefined;
  if (module === undefined) {
    try {
      const { publicKey, signer, signPayload } = openPemKey(pem, passphrase);
      const key = { signer, keyInfo: async () => encodePublicKey(publicKey) };
      return publicKey.kind === 'rsa' && signPayload !== undefined
        ? { ...key, version1: { publicKey, signPayload } }
        : key;
    } catch (error) {
      const isLocked = passphrase === undefined && isEncryptedPem(pem);
      if (!(error instanceof FormatError) || isLocked || !(await opensslReads(path, passphrase))) throw error;
    }
  }
  // Another kind of key, or one of an engine: the openssl command and its configuration know more of them.
  return {
    signer: opensslSigner(path, passphrase, module),
    keyInfo: () => opensslPublicKey(path, passphrase, module),
  };
}

async function opensslReads(path: string, passphrase: string | undefined): Promise<boolean> {
  return opensslPublicKey(path, passphrase).then(
    () => true,
    () => false,
  );
}

/** A key in a token; the PIN in the URI is passed on where no other user reads it. */
async function tokenKey({ settings }: Run, uri: string): Promise<PrivateKey> {
  if (settings.keyId === undefined) {
    throw new Failure('When using a pkcs11 URI you must provide the keyid with an option');
  }
  const [, written] = /[?&]pin-value=([^&]*)/.exec(uri) ?? [];
  const bare = uri.replace(/([?&])pin-value=[^&]*(&|$)/, (_, first: string, last: string) =>
    last === '' ? '' : first,
  );
  const pin = settings.passphrase ?? (written === undefined ? undefined : decodeURIComponent(written));
  // signer and keyInfo are of the private key, whatever type the URI names.
  const key = bare.replace(/;type=(?:public|cert)/, ';type=private');
  return {
    signer: opensslSigner(key, pin, settings.module),
    keyInfo: () => opensslPublicKey(key, pin, settings.module),
  };
}

async function passphraseOf({ settings }: Run): Promise<string | undefined> {
  const given = settings.passphrase ?? process.env['EVMCTL_KEY_PASSWORD'];
  if (given !== undefined || !isatty(0)) return given;
  const { hidden } = await import('../labels/secrets.ts');
  return hidden(settings.askPassphrase ? 'PEM password: ' : 'Enter PEM pass phrase:');
}

/** Of a certificate that stands in the file of the key. */
function besideKey(run: Run): number | undefined {
  const path = run.settings.key ?? DEFAULT_KEY;
  return path.startsWith('pkcs11:') ? undefined : certificateKeyId(run, path, 'pem');
}

async function ownKeyId(run: Run, key: PrivateKey): Promise<number> {
  const keyId = keyIdOfKeyInfo(nodeHasher, await key.keyInfo());
  run.detail(`keyid: ${keyIdText(keyId)}`);
  run.detail(`keyid: ${keyId.toString(16)}`);
  return keyId;
}

function keyIdText(keyId: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, keyId);
  return toHex(bytes);
}
