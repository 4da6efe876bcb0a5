import { FormatError } from '../errors/index.ts';

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const plainDecoder = new TextDecoder();

/** Where short texts are put together: lists have hundreds of thousands of digests. */
const SHORT = new Uint8Array(128);

/** Lower-case hexadecimal. The text is made in one piece, since one put together of pieces keeps them in memory. */
export function toHex(bytes: Uint8Array): string {
  const length = 2 * bytes.length;
  const digits = length <= SHORT.length ? SHORT : new Uint8Array(length);
  let at = 0;
  for (const byte of bytes) {
    digits[at++] = DIGITS[byte >> 4] ?? 0;
    digits[at++] = DIGITS[byte & 15] ?? 0;
  }
  return plainDecoder.decode(digits.subarray(0, length));
}

/** By the code of a digit; -1 for what is none. */
const VALUE_OF_DIGIT = Int8Array.from({ length: 128 }, (_, code) => '0123456789abcdef'.indexOf(lowered(code)));

function lowered(code: number): string {
  return String.fromCharCode(code).toLowerCase();
}

/** Both cases are read: the kernel's PCR files are upper case, its lists lower case. @throws FormatError TEXT-HEX */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0) throw notHex(text);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = VALUE_OF_DIGIT[text.charCodeAt(2 * i)] ?? -1;
    const low = VALUE_OF_DIGIT[text.charCodeAt(2 * i + 1)] ?? -1;
    if (high < 0 || low < 0) throw notHex(text);
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

function notHex(text: string): FormatError {
  return new FormatError('TEXT-HEX', `not hexadecimal: ${JSON.stringify(text.slice(0, 40))}`);
}

const LETTERS = Uint8Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', (letter) =>
  letter.charCodeAt(0),
);
const PADDING = '='.charCodeAt(0);

/** RFC 4648 section 4, with padding. */
export function toBase64(bytes: Uint8Array): string {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let at = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const word = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let shift = 18; shift >= 0; shift -= 6) text[at++] = LETTERS[(word >> shift) & 63] ?? 0;
  }
  const missing = (3 - (bytes.length % 3)) % 3;
  return plainDecoder.decode(text.fill(PADDING, text.length - missing));
}

/** By the code of a letter; -1 for what is none. */
const VALUE_OF_LETTER = Int8Array.from({ length: 128 }, (_, code) => LETTERS.indexOf(code));

/** Only the canonical form is read (RFC 4648 sections 3.3 and 3.5). @throws FormatError TEXT-BASE64 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const letters = text.length - padding;
  if (text.length % 4 !== 0) throw notBase64(text.length);
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let word = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < letters; i++) {
    const value = VALUE_OF_LETTER[text.charCodeAt(i)] ?? -1;
    if (value < 0) throw notBase64(i);
    word = ((word << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (word >> bits) & 0xff;
    }
  }
  if ((word & ((1 << bits) - 1)) !== 0) throw notBase64(letters);
  return bytes;
}

function notBase64(offset: number): FormatError {
  return new FormatError('TEXT-BASE64', `not canonical base64 at character ${offset}`, { offset });
}

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to this length, letters that are one byte each are quicker copied than encoded. */
const SHORT_TEXT = 64;

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > SHORT_TEXT) return encoder.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return encoder.encode(text);
    bytes[i] = code;
  }
  return bytes;
}

/**
 * Text that is safe in a terminal or page: control, bidirectional and other invisible characters, and bytes that
 * are not UTF-8, appear as \xNN or \u{N}; a backslash as \\. Two different inputs never look the same.
 */
export function printable(bytes: Uint8Array): string {
  if (isPlain(bytes)) return plainDecoder.decode(bytes);
  let text: string;
  try {
    text = strictDecoder.decode(bytes);
  } catch {
    return Array.from(bytes, printableByte).join('');
  }
  return text.replace(/[\\\p{C}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

/** Whether nothing is to be escaped, and each byte is a character: so are nearly all names. */
function isPlain(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (!isPlainByte(byte)) return false;
  return true;
}

function isPlainByte(byte: number): boolean {
  return byte > 0x1f && byte < 0x7f && byte !== 0x5c;
}

function printableByte(byte: number): string {
  return isPlainByte(byte) ? String.fromCharCode(byte) : `\\x${HEX_OF_BYTE[byte]}`;
}

function escapeCharacter(character: string): string {
  if (character === '\\') return '\\\\';
  const point = character.codePointAt(0) ?? 0;
  return point < 0x80 ? `\\x${HEX_OF_BYTE[point]}` : `\\u{${point.toString(16)}}`;
}
