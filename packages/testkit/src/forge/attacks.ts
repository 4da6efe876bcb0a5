import { concat, fromHex, toBase64, toHex, utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import type { Curve } from '@assay/core/keys';
import { nodeCrypto } from '@assay/core/node';
import {
  encodeAttest,
  encodePublic,
  encodeSignature,
  OBJECT,
  parseSignature,
  TPM_ST,
  type EccPublicArea,
  type ParsedSignature,
  type PcrSelection,
  type PublicArea,
} from '@assay/core/tpm';
import {
  bundleOf,
  eccKey,
  expected,
  forged,
  honestAttest,
  NONCE,
  rsaKey,
  SELECTION,
  signBy,
  type ExpectedValue,
  type QuoteBundle,
  type SoftwareKey,
} from './bundle.ts';

/** A quote, and what a sound verifier makes of it. */
export interface QuoteCase {
  readonly name: string;
  /** The code by which Assay refuses it; `accept` where every verifier must accept it. */
  readonly answer: string;
  readonly bundle: QuoteBundle;
}

const KEY: SoftwareKey = eccKey();
const HONEST = forged(KEY);
const P256_ORDER = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const TRAILING = new Uint8Array(16);

/** Every forged quote of the kit, made anew: envelope, question, signature, key, selection and values. */
export function quoteAttacks(): QuoteCase[] {
  return [...envelopes(), ...questions(), ...signatures(), ...keys(), ...selections(), ...values()];
}

/** Quotes that look odd and are right. */
export function quotesToAccept(): QuoteCase[] {
  const accept = (name: string, bundle: QuoteBundle): QuoteCase => ({ name, answer: 'accept', bundle });
  const banks = [
    { bank: 'sha1', pcrs: [10] },
    { bank: 'sha256', pcrs: [0, 7, 10] },
  ] as const;
  return [
    accept('an honest quote', HONEST),
    accept('after a power loss, when the clock is not safe', forged(KEY, { safe: false })),
    accept(
      'with n - s in the place of s, which anybody can put there',
      signedAs(({ r, s }) => ({ r, s: negated(s) })),
    ),
    accept('over the SHA-1 bank, signed with SHA-256', honestOver([{ bank: 'sha1', pcrs: [10] }])),
    accept('over two banks', honestOver(banks)),
    accept('over two banks, the other way round', honestOver(banks.toReversed())),
    ...(['rsassa', 'rsapss'] as const).map((scheme) =>
      accept(`by a key that signs by ${scheme}`, forged(rsaKey({ scheme, hash: 'sha256' }))),
    ),
    ...(['p384', 'p521'] as const).map((curve) => accept(`by a key on ${curve}`, honestBy(curve, 'sha384'))),
  ];
}

function envelopes(): QuoteCase[] {
  const others = {
    Certify: 0x8017,
    NV_Certify: 0x8014,
    GetTime: 0x8019,
    CertifyCreation: 0x801a,
    session_audit: 0x8016,
  };
  return [
    attack('a magic that differs in one bit', 'QUOTE-MAGIC', forged(KEY, { magic: 0x7f544347 })),
    ...Object.entries(others).map(([name, type]) =>
      attack(`what ${name} signs`, 'QUOTE-MAGIC', forged(KEY, { type, attested: { kind: 'other', body: TRAILING } })),
    ),
    attack('an index whose contents look like a quote', 'QUOTE-MAGIC', forged(KEY, { type: TPM_ST.ATTEST_NV })),
    attack(
      'bytes after the quote, which the key signed too',
      'BYTES-TRAILING',
      resigned((quote) => concat([quote, TRAILING])),
    ),
    attack('bytes after the signature', 'BYTES-TRAILING', {
      ...HONEST,
      signature: concat([HONEST.signature, TRAILING]),
    }),
    ...lengthLies(),
  ];
}

/** Every size and count of the message, each with other values, signed as it then is. */
function lengthLies(): QuoteCase[] {
  const quote = HONEST.message;
  const extraData = 6 + 2 + 34;
  const count = extraData + 2 + NONCE.length + 17 + 8;
  const mask = count + 4 + 2;
  const digest = mask + 1 + 3;
  const sizes: readonly (readonly [name: string, offset: number, width: 1 | 2 | 4, lies: readonly number[]])[] = [
    ['size of the signer', 6, 2, [0, 35, 0xffff]],
    ['size of the nonce', extraData, 2, [0, 33, 0xffff]],
    ['count of the selections', count, 4, [0, 2, 0xffffffff]],
    ['size of a mask', mask, 1, [0, 1, 4, 255]],
    ['size of the PCR digest', digest, 2, [0, 33, 0xffff]],
  ];
  return sizes.flatMap(([name, offset, width, lies]) =>
    lies.map((lie) =>
      attack(
        `${name} ${lie}`,
        'unreadable',
        resigned(() => withNumber(quote, offset, width, lie)),
      ),
    ),
  );
}

function questions(): QuoteCase[] {
  const forms: Readonly<Record<string, Uint8Array>> = {
    'the answer to another question': NONCE.map((byte) => byte ^ 0xff),
    'the question and a zero byte': concat([NONCE, Uint8Array.of(0)]),
    'the first half of the question': NONCE.subarray(0, 16),
    'the question without its first byte': NONCE.subarray(1),
    'no question': new Uint8Array(0),
    'the question as base64 text': utf8(toBase64(NONCE)),
    'the question as hexadecimal text': utf8(toHex(NONCE)),
  };
  return [
    ...Object.entries(forms).map(([name, extraData]) =>
      attack(`${name} signed`, 'QUOTE-NONCE', forged(KEY, { extraData })),
    ),
    attack('a question too short to be fresh, though answered', 'QUOTE-NONCE', {
      ...forged(KEY, { extraData: NONCE.subarray(0, 8) }),
      nonce: NONCE.subarray(0, 8),
    }),
  ];
}

function signatures(): QuoteCase[] {
  const zero = new Uint8Array(32);
  const last = HONEST.message.length - 1;
  const numbers: Readonly<Record<string, (own: EcdsaNumbers) => Partial<EcdsaNumbers>>> = {
    'r of zero': () => ({ r: zero }),
    's of zero': () => ({ s: zero }),
    'an empty r': () => ({ r: new Uint8Array(0) }),
    'r of the order of the curve': () => ({ r: P256_ORDER }),
    's over the order of the curve': () => ({ s: zero.map(() => 0xff) }),
    'r with a zero before it': ({ r }) => ({ r: concat([Uint8Array.of(0), r]) }),
  };
  return [
    attack('a signature by another key', 'QUOTE-SIGNATURE', { ...HONEST, signature: signBy(eccKey(), HONEST.message) }),
    attack('a changed message', 'QUOTE-SIGNATURE', {
      ...HONEST,
      message: HONEST.message.with(last, (HONEST.message[last] ?? 0) ^ 1),
    }),
    ...Object.entries(numbers).map(([name, change]) => attack(name, 'QUOTE-SIGNATURE', signedAs(change))),
    ...(['sha1', 'sha384'] as const).map((hash) =>
      attack(
        `the hash id of ${hash}`,
        'QUOTE-SIGNATURE',
        relabelled((own) => ({ ...own, hash })),
      ),
    ),
    attack('ECDSA numbers under the tag of RSASSA', 'QUOTE-SIGNATURE', relabelled(asRsa)),
    ...schemeConfusions(),
    attack('an HMAC', 'TPM-STRUCTURE', { ...HONEST, signature: concat([fromHex('0005000b'), zero]) }),
    attack('no signature at all', 'TPM-STRUCTURE', { ...HONEST, signature: fromHex('0010') }),
  ];
}

function schemeConfusions(): QuoteCase[] {
  return (['rsapss', 'rsassa'] as const).map((own) => {
    const key = rsaKey({ scheme: own, hash: 'sha256' });
    const other = own === 'rsapss' ? 'rsassa' : 'rsapss';
    const honest = forged(key);
    const signature = signBy(key, honest.message, { scheme: other, hash: 'sha256' });
    return attack(`a signature by ${other} where the key signs by ${own}`, 'QUOTE-SIGNATURE', { ...honest, signature });
  });
}

function keys(): QuoteCase[] {
  const { area } = KEY;
  const attributes: Readonly<Record<string, number>> = {
    'not restricted': area.attributes & ~OBJECT.RESTRICTED,
    'restricted for decryption': (area.attributes & ~OBJECT.SIGN) | OBJECT.DECRYPT,
    'signing and decrypting': area.attributes | OBJECT.DECRYPT,
    'not fixed to the TPM': area.attributes & ~OBJECT.FIXED_TPM,
    'not fixed to its parent': area.attributes & ~OBJECT.FIXED_PARENT,
    'not made in the TPM': area.attributes & ~OBJECT.SENSITIVE_DATA_ORIGIN,
  };
  const rsa = { scheme: 'rsassa', hash: 'sha256' } as const;
  return [
    ...Object.entries(attributes).map(([name, bits]) =>
      attack(`a key that is ${name}`, 'AK-ATTRIBUTES', withArea({ ...area, attributes: bits })),
    ),
    attack('a key without a scheme', 'AK-ATTRIBUTES', withArea({ ...eccArea(), scheme: null })),
    attack(
      'a key that signs SHA-1',
      'AK-ATTRIBUTES',
      withArea({ ...eccArea(), scheme: { scheme: 'ecdsa', hash: 'sha1' } }),
    ),
    attack('a key named by SHA-1', 'AK-ATTRIBUTES', withArea({ ...area, nameAlg: 'sha1' })),
    attack('a point off its curve', 'AK-ATTRIBUTES', withArea({ ...eccArea(), x: new Uint8Array(32).fill(1) })),
    attack('an RSA key of 1024 bits', 'AK-ATTRIBUTES', forged(rsaKey(rsa, { modulusLength: 1024 }))),
    attack('an RSA key with exponent 3', 'AK-ATTRIBUTES', forged(rsaExponent3())),
    attack(
      'reserved bits in the attributes',
      'TPM-STRUCTURE',
      withPublic((bytes) => withNumber(bytes, 6, 4, 0x80050072)),
    ),
    attack(
      'bytes after the public area',
      'BYTES-TRAILING',
      withPublic((bytes) => concat([bytes, TRAILING])),
    ),
    attack('the public area of another key', 'QUOTE-SIGNATURE', withArea(eccKey().area)),
  ];
}

function selections(): QuoteCase[] {
  const over: Readonly<Record<string, readonly PcrSelection[]>> = {
    'fewer PCRs': [{ bank: 'sha256', pcrs: [7, 10] }],
    'more PCRs': [{ bank: 'sha256', pcrs: [0, 7, 10, 11] }],
    'PCR 16, which the host can reset, in the place of PCR 10': [{ bank: 'sha256', pcrs: [0, 7, 16] }],
    'the same PCRs of another bank': [{ bank: 'sha1', pcrs: [0, 7, 10] }],
    'no bank': [],
    'an empty mask, as of a bank that is not active': [{ bank: 'sha256', pcrs: [] }],
    'a second bank besides': [...SELECTION, { bank: 'sha1', pcrs: [10] }],
    'one bank split in two, in the wrong order': [
      { bank: 'sha256', pcrs: [10] },
      { bank: 'sha256', pcrs: [0, 7] },
    ],
    'one bank twice': [...SELECTION, ...SELECTION],
  };
  return Object.entries(over).map(([name, selection]) =>
    attack(`a quote over ${name}`, 'QUOTE-SELECTION', { ...honestOver(selection), pcrs: expected(SELECTION) }),
  );
}

function values(): QuoteCase[] {
  const [zero, seven, ten] = HONEST.pcrs;
  if (zero === undefined || seven === undefined || ten === undefined) throw new TypeError('three values');
  const given: Readonly<Record<string, readonly ExpectedValue[]>> = {
    'a changed value': [zero, seven, { ...ten, value: new Uint8Array(32) }],
    'two values exchanged': [{ ...zero, value: ten.value }, seven, { ...ten, value: zero.value }],
  };
  const bySha1 = nodeCrypto.hasher.digest('sha1', new Uint8Array(20).fill(11));
  const selection = [{ bank: 'sha1', pcrs: [10] }] as const;
  return [
    ...Object.entries(given).map(([name, pcrs]) => attack(name, 'QUOTE-PCR-DIGEST', { ...HONEST, pcrs })),
    attack("a digest by the bank's hash where the signature has another", 'QUOTE-PCR-DIGEST', {
      ...forged(KEY, { attested: { kind: 'quote', selection, pcrDigest: bySha1 } }),
      pcrs: expected(selection),
    }),
  ];
}

/** Each cut of message, signature and key: none may be read. */
export function truncations(): QuoteCase[] {
  return (['message', 'signature', 'akPublic'] as const).flatMap((part) =>
    Array.from({ length: HONEST[part].length }, (_, length) =>
      attack(`${part} cut to ${length} bytes`, 'unreadable', { ...HONEST, [part]: HONEST[part].subarray(0, length) }),
    ),
  );
}

function attack(name: string, answer: string, bundle: QuoteBundle): QuoteCase {
  return { name, answer, bundle };
}

function eccArea(): EccPublicArea {
  const { area } = KEY;
  if (area.type !== 'ecc') throw new TypeError('the key of the kit is an ECC key');
  return area;
}

function rsaExponent3(): SoftwareKey {
  return rsaKey({ scheme: 'rsassa', hash: 'sha256' }, { publicExponent: 3 });
}

function honestOver(selection: readonly PcrSelection[]): QuoteBundle {
  return { ...bundleOf(KEY, encodeAttest(honestAttest(selection))), pcrs: expected(selection) };
}

function honestBy(curve: Curve, hash: HashName): QuoteBundle {
  return bundleOf(eccKey(curve, hash), encodeAttest(honestAttest(SELECTION, hash)));
}

function resigned(change: (quote: Uint8Array) => Uint8Array): QuoteBundle {
  return bundleOf(KEY, change(HONEST.message));
}

function withArea(area: PublicArea): QuoteBundle {
  return { ...HONEST, akPublic: encodePublic(area) };
}

function withPublic(change: (bytes: Uint8Array) => Uint8Array): QuoteBundle {
  return { ...HONEST, akPublic: change(HONEST.akPublic) };
}

interface EcdsaNumbers {
  readonly r: Uint8Array;
  readonly s: Uint8Array;
}

function signedAs(change: (own: EcdsaNumbers) => Partial<EcdsaNumbers>): QuoteBundle {
  return relabelled((own) => (own.scheme === 'ecdsa' ? { ...own, ...change(own) } : own));
}

function relabelled(change: (own: ParsedSignature) => ParsedSignature): QuoteBundle {
  return { ...HONEST, signature: encodeSignature(change(parseSignature(HONEST.signature))) };
}

function asRsa(own: ParsedSignature): ParsedSignature {
  return own.scheme === 'ecdsa' ? { scheme: 'rsassa', hash: own.hash, value: concat([own.r, own.s]) } : own;
}

function negated(s: Uint8Array): Uint8Array {
  const difference = BigInt(`0x${toHex(P256_ORDER)}`) - BigInt(`0x${toHex(s)}`);
  return fromHex(difference.toString(16).padStart(64, '0'));
}

function withNumber(bytes: Uint8Array, offset: number, width: 1 | 2 | 4, value: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (let i = 0; i < width; i++) changed[offset + i] = (value >>> (8 * (width - 1 - i))) & 0xff;
  return changed;
}
