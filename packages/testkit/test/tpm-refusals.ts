import { concat, fromHex } from '@assay/core/bytes';
import {
  command,
  EMPTY_PASSWORD,
  pcrExtend,
  pcrRead,
  policyAuthorization,
  quote,
  type EccPublicArea,
} from '@assay/core/tpm';

const SELECTION = [{ bank: 'sha256', pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }] as const;

/** Commands that a TPM must refuse, with the response code that says why; `(ek, ak)` are handles of loaded keys. */
export const REFUSED: readonly [name: string, code: number, bytes: (ek: number, ak: number) => Uint8Array][] = [
  ['a size that is not that of the command', 0x142, () => fromHex('8001' + '0000000d' + '0000017b' + '0008')],
  ['a command that does not exist', 0x143, () => fromHex('8001' + '0000000a' + '0000ffff')],
  ['a second TPM2_Startup', 0x100, () => fromHex('8001' + '0000000c' + '00000144' + '0000')],
  ['a parameter that ends early', 0x1da, () => fromHex('8001' + '0000000b' + '0000017b' + '00')],
  ['bytes after the parameters', 0x095, () => fromHex('8001' + '0000000d' + '0000017b' + '000800')],
  ['a handle that ends early', 0x19a, () => fromHex('8001' + '0000000c' + '00000173' + '8000')],
  [
    'a capability that does not exist',
    0x1c4,
    () => fromHex('8001' + '00000016' + '0000017a' + '000000ff0000000000000001'),
  ],
  ['a PCR that does not exist', 0x184, () => extendOf(24)],
  ['a PCR that only a dynamic launch may extend', 0x907, () => extendOf(17)],
  ['a command without the authorization that it needs', 0x125, (_ek, ak) => quoteOf(ak, new Uint8Array(32), false)],
  ['a key that is not loaded', 0x910, () => quoteOf(0x80000002, new Uint8Array(32))],
  ['a handle of another kind than a key', 0x184, () => quoteOf(0x00000005, new Uint8Array(32))],
  ['a password for a key that has a policy only', 0x12f, (ek) => quoteOf(ek, new Uint8Array(32))],
  ['extra data over the limit', 0x1d5, (_ek, ak) => quoteOf(ak, new Uint8Array(67))],
  ['a mask of two bytes', 0x1c4, () => readOf('00000001' + '000b' + '020004')],
  ['a mask of four bytes', 0x1c4, () => readOf('00000001' + '000b' + '0400040000')],
  ['a bank of an unknown algorithm', 0x1c3, () => readOf('00000001' + '0099' + '03000400')],
  ['a list of more banks than exist', 0x1d5, () => readOf('ffffffff' + '000b' + '03000400')],
  ['a handle to flush that names nothing', 0x1cb, () => fromHex('8001' + '0000000e' + '00000165' + '80000002')],
  ['a session that is not there', 0x918, (_ek, ak) => quoteOf(ak, new Uint8Array(32), 0x03000002)],
];

/** Templates of which a TPM makes no key. */
export const REFUSED_TEMPLATES: readonly [name: string, code: number, change: Partial<EccPublicArea>][] = [
  ['a template that signs and is restricted, without a scheme', 0x2d2, { scheme: null }],
  ['a template that neither signs nor decrypts', 0x2c2, { attributes: 0x00010072 }],
  ['a template whose secret comes from nowhere', 0x2c2, { attributes: 0x00050052 }],
  ['a template of a signing key with a cipher', 0x2d6, { symmetric: { keyBits: 128 } }],
  ['a template with a policy of a wrong size', 0x2d5, { authPolicy: new Uint8Array(20) }],
];

/** With the password, a session, or nothing. */
function quoteOf(signHandle: number, qualifyingData: Uint8Array, as: number | boolean = true): Uint8Array {
  const values = { signHandle, qualifyingData: new Uint8Array(0), inScheme: null, selection: SELECTION };
  const auth = typeof as === 'number' ? [policyAuthorization(as)] : as ? [EMPTY_PASSWORD] : [];
  const { bytes } = command(quote, values, auth);
  // The codec refuses to write what is too long, so the data is put in by hand.
  const at = bytes.length - 2 - 2 - 10;
  const size = Uint8Array.of(qualifyingData.length >> 8, qualifyingData.length & 0xff);
  return resized(concat([bytes.subarray(0, at), size, qualifyingData, bytes.subarray(at + 2)]));
}

export function extendOf(pcr: number): Uint8Array {
  return command(pcrExtend, { pcr, digests: [{ algorithm: 'sha256', digest: new Uint8Array(32) }] }, [EMPTY_PASSWORD])
    .bytes;
}

function readOf(selectionHex: string): Uint8Array {
  const head = command(pcrRead, { selection: [] }).bytes.subarray(0, 10);
  return resized(concat([head, fromHex(selectionHex)]));
}

function resized(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(2, bytes.length);
  return bytes;
}
