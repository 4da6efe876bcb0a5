export { equalBytes, isAllZero } from './equal.ts';
export { canonicalJson, isMembers, strictJson, type Members } from './json.ts';
export { globMatcher, nameMatcher } from './name-pattern.ts';
export { leftPadded } from './pad.ts';
export { checkRange } from './range.ts';
export { ByteReader } from './reader.ts';
export { fromBase64, fromHex, printable, toBase64, toHex, utf8 } from './text.ts';
export { ByteWriter, concat } from './writer.ts';
