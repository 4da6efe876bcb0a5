import { fromHex, printable, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';

const PLAIN = /^[ -[\]-~]*$/;
const PIECES = /\\\\|\\x([0-9a-f]{2})|\\u\{([0-9a-f]{1,6})\}|[^\\]|\\/gu;

/** Text of a path or a link's target, as `printable` gives it. @param path one character per byte */
export function textOfPath(path: string): string {
  return PLAIN.test(path) ? path : printable(bytesOf(path));
}

/**
 * The other way; only the text that `textOfPath` gives is read.
 * @returns one character per byte
 * @throws FormatError BASELINE-FORM
 */
export function pathOfText(text: string): string {
  if (PLAIN.test(text)) return text;
  let path = '';
  for (const match of text.matchAll(PIECES)) path += pieceOf(match);
  if (textOfPath(path) === text) return path;
  throw new FormatError('BASELINE-FORM', 'a path is not escaped as it must be');
}

function pieceOf([piece, byte, point]: RegExpExecArray): string {
  if (byte !== undefined) return String.fromCharCode(...fromHex(byte));
  const code = Number.parseInt(point ?? '', 16);
  if (code > 0x10_ffff) return '';
  const character = point === undefined ? piece : String.fromCodePoint(code);
  return character === '\\\\' ? '\\' : String.fromCharCode(...utf8(character));
}

function bytesOf(path: string): Uint8Array {
  return Uint8Array.from(path, (character) => character.charCodeAt(0));
}

/**
 * Order of a walk that visits names by their bytes and goes into each directory at once: that of the bytes of paths, if a
 * slash came before everything else.
 */
export function comparePaths(a: string, b: string): number {
  const [left, right] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether a path is below another one, which is a directory. */
export function isBelow(path: string, directory: string): boolean {
  return path.startsWith(directory.endsWith('/') ? directory : `${directory}/`) && path !== directory;
}
