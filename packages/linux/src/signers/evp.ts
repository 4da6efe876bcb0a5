import { address, load } from 'koffi';
import { SystemError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';

type Pointer = unknown;

/** EVP_PKEY of OpenSSL 3 (man EVP_PKEY_sign(3)), which Node exports to its add-ons. */
interface Evp {
  readonly readKey: (key: null, at: Buffer, length: number) => Pointer;
  readonly newContext: (key: Pointer, engine: null) => Pointer;
  readonly freeContext: (context: Pointer) => void;
  readonly initSign: (context: Pointer) => number;
  readonly setPadding: (context: Pointer, padding: number) => number;
  readonly setDigest: (context: Pointer, digest: Pointer) => number;
  readonly clearErrors: () => void;
  readonly digestNamed: (name: string) => Pointer;
  readonly sign: (
    context: Pointer,
    signature: Buffer,
    length: BigUint64Array,
    digest: Uint8Array,
    size: number,
  ) => number;
}

const RSA_PKCS1_PADDING = 1;
/** Of an RSA key of 16384 bits, the largest that OpenSSL takes. */
const LONGEST_SIGNATURE = 2048;

let opened: Evp | undefined;

function evp(): Evp {
  const node = load(null);
  opened ??= {
    readKey: node.func('void *d2i_AutoPrivateKey(void *key, _Inout_ void *at, long length)'),
    newContext: node.func('void *EVP_PKEY_CTX_new(void *key, void *engine)'),
    freeContext: node.func('void EVP_PKEY_CTX_free(void *context)'),
    initSign: node.func('int EVP_PKEY_sign_init(void *context)'),
    setPadding: node.func('int EVP_PKEY_CTX_set_rsa_padding(void *context, int padding)'),
    setDigest: node.func('int EVP_PKEY_CTX_set_signature_md(void *context, const void *digest)'),
    clearErrors: node.func('void ERR_clear_error(void)'),
    digestNamed: node.func('const void *EVP_get_digestbyname(const char *name)'),
    sign: node.func(
      'int EVP_PKEY_sign(void *context, _Out_ void *signature, _Inout_ void *length, const void *digest, size_t size)',
    ),
  };
  return opened;
}

/** OpenSSL's names where they are not the kernel's. */
const NAMES: Partial<Record<HashName, string>> = {
  rmd160: 'ripemd160',
};

/**
 * A private key in the memory of OpenSSL. Node signs messages only; labels need signatures over digests that are already
 * there. The key stays until the process ends.
 */
export class EvpKey {
  readonly #key: Pointer;
  readonly #isRsa: boolean;

  /**
   * @param der PKCS#8
   * @throws SystemError SIGNER-FAILED
   */
  constructor(der: Buffer, isRsa: boolean) {
    const at = Buffer.alloc(8);
    at.writeBigUInt64LE(address(der));
    this.#key = evp().readKey(null, at, der.length);
    this.#isRsa = isRsa;
    if (this.#key === null) throw failed('OpenSSL does not read the private key');
  }

  /** @throws SystemError SIGNER-FAILED, such as for a digest that is too long for an RSA key */
  sign(hash: HashName, digest: Uint8Array): Uint8Array {
    const md = evp().digestNamed(NAMES[hash] ?? hash);
    if (md === null) throw failed(`OpenSSL signs nothing over ${hash} here`);
    const context = evp().newContext(this.#key, null);
    try {
      return this.#signIn(context, md, digest);
    } finally {
      evp().freeContext(context);
    }
  }

  #signIn(context: Pointer, md: Pointer, digest: Uint8Array): Uint8Array {
    const { initSign, setPadding, setDigest, sign } = evp();
    const signature = Buffer.alloc(LONGEST_SIGNATURE);
    const length = BigUint64Array.of(BigInt(signature.length));
    const done =
      initSign(context) > 0 &&
      (!this.#isRsa || setPadding(context, RSA_PKCS1_PADDING) > 0) &&
      setDigest(context, md) > 0 &&
      sign(context, signature, length, digest, digest.length) > 0;
    if (!done) throw failed('OpenSSL refuses to sign: this key does not fit this hash');
    return Uint8Array.from(signature.subarray(0, Number(length[0])));
  }
}

/** What OpenSSL keeps of its last failure would look to Node like a failure of its own next call. */
function failed(message: string): SystemError {
  evp().clearErrors();
  return new SystemError('SIGNER-FAILED', message);
}
