import { sign } from 'node:crypto';
import { concat, fromHex, toBase64, toHex, utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import type { Curve } from '@assay/core/keys';
import { nodeCrypto } from '@assay/core/node';
import {
  encodeAttest,
  encodeSignature,
  parseSignature,
  TPM_ST,
  type ParsedSignature,
  type PcrSelection,
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
} from './bundle.ts';
import { attack, HONEST, KEY, TRAILING, withNumber, type QuoteCase } from './honest.ts';
import { keyAttacks } from './key-attacks.ts';

const P256_ORDER = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');

/** Every forged quote of the kit, made anew: envelope, question, signature, key, selection and values. */
export function quoteAttacks(): QuoteCase[] {
  return [...envelopes(), ...questions(), ...signatures(), ...keyAttacks(), ...selections(), ...values()];
}

/** Quotes that look odd and are right. */
export function quotesToAccept(): QuoteCase[] {
  const accept = (name: string, bundle: QuoteBundle, number = 0): QuoteCase => ({
    number,
    name,
    answer: 'accept',
    bundle,
  });
  const banks = [
    { bank: 'sha1', pcrs: [10] },
    { bank: 'sha256', pcrs: [0, 7, 10] },
  ] as const;
  return [
    accept('an honest quote', HONEST),
    accept('after a power loss, when the clock is not safe', forged(KEY, { safe: false }), 43),
    accept(
      'with n - s in the place of s, which anybody can put there',
      signedAs(({ r, s }) => ({ r, s: negated(s) })),
      18,
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
    attack(1, 'a magic that differs in one bit', 'QUOTE-MAGIC', forged(KEY, { magic: 0x7f544347 })),
    ...Object.entries(others).map(([name, type]) =>
      attack(
        2,
        `what ${name} signs`,
        'QUOTE-MAGIC',
        forged(KEY, { type, attested: { kind: 'other', body: TRAILING } }),
      ),
    ),
    attack(3, 'an index whose contents look like a quote', 'QUOTE-MAGIC', forged(KEY, { type: TPM_ST.ATTEST_NV })),
    attack(
      4,
      'bytes after the quote, which the key signed too',
      'BYTES-TRAILING',
      resigned((quote) => concat([quote, TRAILING])),
    ),
    attack(4, 'bytes after the signature', 'BYTES-TRAILING', {
      ...HONEST,
      signature: concat([HONEST.signature, TRAILING]),
    }),
    ...lengthLies(),
  ];
}

type LengthLie = readonly [number: number, name: string, offset: number, width: 1 | 2 | 4, lies: readonly number[]];

/** Every size and count of the message, each with other values, signed as it then is. */
function lengthLies(): QuoteCase[] {
  const quote = HONEST.message;
  const extraData = 6 + 2 + 34;
  const count = extraData + 2 + NONCE.length + 17 + 8;
  const mask = count + 4 + 2;
  const digest = mask + 1 + 3;
  const sizes: readonly LengthLie[] = [
    [6, 'size of the signer', 6, 2, [0, 35, 0xffff]],
    [6, 'size of the nonce', extraData, 2, [0, 33, 0xffff]],
    [7, 'count of the selections', count, 4, [0, 2, 17, 0xffff, 0x80000000, 0xffffffff]],
    [8, 'size of a mask', mask, 1, [0, 1, 2, 4, 255]],
    [6, 'size of the PCR digest', digest, 2, [0, 33, 0xffff]],
  ];
  return sizes.flatMap(([number, name, offset, width, lies]) =>
    lies.map((lie) =>
      attack(
        number,
        `${name} ${lie}`,
        'unreadable',
        resigned(() => withNumber(quote, offset, width, lie)),
      ),
    ),
  );
}

function questions(): QuoteCase[] {
  const parts: Readonly<Record<string, Uint8Array>> = {
    'the question and a zero byte': concat([NONCE, Uint8Array.of(0)]),
    'the first half of the question': NONCE.subarray(0, 16),
    'the question without its first byte': NONCE.subarray(1),
    'the first half of the question, filled with zeros': concat([NONCE.subarray(0, 16), TRAILING]),
    'no question': new Uint8Array(0),
  };
  const texts: Readonly<Record<string, Uint8Array>> = {
    'the question as base64 text': utf8(toBase64(NONCE)),
    'the question as hexadecimal text': utf8(toHex(NONCE)),
  };
  return [
    attack(
      11,
      'the answer to a question that somebody else was asked',
      'QUOTE-NONCE',
      forged(KEY, { extraData: NONCE.map((byte) => byte ^ 0xff) }),
    ),
    ...Object.entries(parts).map(([name, extraData]) =>
      attack(10, `${name} signed`, 'QUOTE-NONCE', forged(KEY, { extraData })),
    ),
    ...Object.entries(texts).map(([name, extraData]) =>
      attack(14, `${name} signed`, 'QUOTE-NONCE', forged(KEY, { extraData })),
    ),
    attack(13, 'a question too short to be fresh, though answered', 'QUOTE-NONCE', {
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
    attack(15, 'a signature by another key', 'QUOTE-SIGNATURE', {
      ...HONEST,
      signature: signBy(eccKey(), HONEST.message),
    }),
    attack(15, 'a changed message', 'QUOTE-SIGNATURE', {
      ...HONEST,
      message: HONEST.message.with(last, (HONEST.message[last] ?? 0) ^ 1),
    }),
    ...Object.entries(numbers).map(([name, change]) => attack(18, name, 'QUOTE-SIGNATURE', signedAs(change))),
    ...(['sha1', 'sha384'] as const).map((hash) =>
      attack(
        16,
        `the hash id of ${hash}`,
        'QUOTE-SIGNATURE',
        relabelled((own) => ({ ...own, hash })),
      ),
    ),
    attack(16, 'ECDSA numbers under the tag of RSASSA', 'QUOTE-SIGNATURE', relabelled(asRsa)),
    attack(18, 'r and s in DER under the tag of ECDSA', 'unreadable', { ...HONEST, signature: derSignature() }),
    attack(56, 'a signature over SHA-1 by a key that signs SHA-256', 'QUOTE-SIGNATURE', {
      ...HONEST,
      signature: signBy(KEY, HONEST.message, { scheme: 'ecdsa', hash: 'sha1' }),
    }),
    ...schemeConfusions(),
    attack(17, 'an HMAC', 'TPM-STRUCTURE', { ...HONEST, signature: concat([fromHex('0005000b'), zero]) }),
    attack(17, 'no signature at all', 'TPM-STRUCTURE', { ...HONEST, signature: fromHex('0010') }),
  ];
}

function schemeConfusions(): QuoteCase[] {
  return (['rsapss', 'rsassa'] as const).map((own) => {
    const key = rsaKey({ scheme: own, hash: 'sha256' });
    const other = own === 'rsapss' ? 'rsassa' : 'rsapss';
    const honest = forged(key);
    const signature = signBy(key, honest.message, { scheme: other, hash: 'sha256' });
    return attack(16, `a signature by ${other} where the key signs by ${own}`, 'QUOTE-SIGNATURE', {
      ...honest,
      signature,
    });
  });
}

function selections(): QuoteCase[] {
  const over: Readonly<Record<string, readonly [number: number, selection: readonly PcrSelection[]]>> = {
    'fewer PCRs': [33, [{ bank: 'sha256', pcrs: [7, 10] }]],
    'more PCRs': [33, [{ bank: 'sha256', pcrs: [0, 7, 10, 11] }]],
    'PCR 16, which the host can reset, in the place of PCR 10': [40, [{ bank: 'sha256', pcrs: [0, 7, 16] }]],
    'PCR 23, which the host can reset, besides': [40, [{ bank: 'sha256', pcrs: [0, 7, 10, 23] }]],
    'the same PCRs of a weaker bank': [56, [{ bank: 'sha1', pcrs: [0, 7, 10] }]],
    'the same PCRs of another bank': [33, [{ bank: 'sha384', pcrs: [0, 7, 10] }]],
    'no bank': [34, []],
    'an empty mask': [34, [{ bank: 'sha256', pcrs: [] }]],
    'the bank asked for and one that is not active': [36, [...SELECTION, { bank: 'sha1', pcrs: [] }]],
    'a second bank besides': [33, [...SELECTION, { bank: 'sha1', pcrs: [10] }]],
    'one bank split in two, in the wrong order': [
      35,
      [
        { bank: 'sha256', pcrs: [10] },
        { bank: 'sha256', pcrs: [0, 7] },
      ],
    ],
    'one bank twice': [35, [...SELECTION, ...SELECTION]],
  };
  return Object.entries(over).map(([name, [number, selection]]) =>
    attack(number, `a quote over ${name}`, 'QUOTE-SELECTION', { ...honestOver(selection), pcrs: expected(SELECTION) }),
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
    ...Object.entries(given).map(([name, pcrs]) => attack(37, name, 'QUOTE-PCR-DIGEST', { ...HONEST, pcrs })),
    attack(38, "a digest by the bank's hash where the signature has another", 'QUOTE-PCR-DIGEST', {
      ...forged(KEY, { attested: { kind: 'quote', selection, pcrDigest: bySha1 } }),
      pcrs: expected(selection),
    }),
  ];
}

/** Each cut of message, signature and key: none may be read. */
export function truncations(): QuoteCase[] {
  return (['message', 'signature', 'akPublic'] as const).flatMap((part) =>
    Array.from({ length: HONEST[part].length }, (_, length) =>
      attack(5, `${part} cut to ${length} bytes`, 'unreadable', {
        ...HONEST,
        [part]: HONEST[part].subarray(0, length),
      }),
    ),
  );
}

/** r and s as OpenSSL writes them, in the place of the TPM's. */
function derSignature(): Uint8Array {
  const der = sign('sha256', HONEST.message, KEY.privateKey);
  return concat([HONEST.signature.subarray(0, 4), Uint8Array.of(0, der.length), der]);
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
