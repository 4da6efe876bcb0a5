import { ByteReader, printable, toHex, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { EVENT } from './event-types.ts';
import { parseGpt, type GptPartition } from './gpt.ts';
import { IMAGE_SECURITY, EFI_GLOBAL } from './guid.ts';
import { parseLoadedImage, type LoadedImage } from './image.ts';
import { loaderText, type LoaderText } from './loader-text.ts';
import { parseSignatureLists } from './signature-list.ts';
import type { BootEvent } from './types.ts';
import { parseAuthority, parseVariable, parseVariables, utf16Text, type UefiVariable } from './variable.ts';

/** What the data of an event say. Names and texts are escaped for people. They are proved only as far as a digest covers them. */
export type DecodedEvent =
  | { readonly kind: 'spec-id' | 'no-action'; readonly text: string }
  | { readonly kind: 'startup-locality'; readonly locality: number }
  | { readonly kind: 'separator'; readonly value: number }
  | { readonly kind: 'action' | 'version'; readonly text: string }
  | {
      readonly kind: 'variable';
      readonly vendor: string;
      readonly name: string;
      /** Bytes of its value. */
      readonly length: number;
      /** Variables that follow in the same event, as firmware of TPM 1.2 logs the boot entries. */
      readonly following?: number;
      /** Of PK, KEK, db and dbx: how many certificates and digests. */
      readonly signatures?: number;
      /** Of a variable with one byte, such as SecureBoot. */
      readonly value?: number;
    }
  | { readonly kind: 'authority'; readonly vendor: string; readonly name: string; readonly length: number }
  | ({ readonly kind: 'image' } & Omit<LoadedImage, 'path'> & { readonly path: string })
  | { readonly kind: 'gpt'; readonly disk: string; readonly partitions: readonly GptPartition[] }
  | { readonly kind: LoaderText['kind']; readonly text: string }
  | { readonly kind: 'tagged'; readonly id: number; readonly text: string }
  | { readonly kind: 'blob'; readonly address: bigint; readonly length: bigint; readonly text: string }
  | { readonly kind: 'opaque'; readonly length: number }
  | { readonly kind: 'malformed'; readonly problem: FormatError };

type Decoder = (event: BootEvent) => DecodedEvent;

const DECODERS: ReadonlyMap<number, Decoder> = new Map<number, Decoder>([
  [EVENT.noAction, decodeNoAction],
  [EVENT.separator, ({ data }) => ({ kind: 'separator', value: wholeU32(data) })],
  [EVENT.action, decodeAction],
  [EVENT.efiAction, decodeAction],
  [EVENT.sCrtmVersion, decodeVersion],
  [EVENT.eventTag, decodeTagged],
  [EVENT.ipl, decodeIpl],
  [EVENT.variableDriverConfig, decodeVariable],
  [EVENT.variableBoot, decodeBootVariables],
  [EVENT.variableBoot2, decodeBootVariables],
  [EVENT.variableAuthority, decodeAuthority],
  [EVENT.bootApplication, decodeImage],
  [EVENT.bootDriver, decodeImage],
  [EVENT.runtimeDriver, decodeImage],
  [EVENT.gpt, decodeGpt],
  [EVENT.gpt2, decodeGpt],
  [EVENT.firmwareBlob, decodeBlob],
  [EVENT.firmwareBlob2, decodeBlob2],
]);

/** Never throws: one event in another form does not hide the others. */
export function decodeEvent(event: BootEvent): DecodedEvent {
  const decode = DECODERS.get(event.type);
  if (decode === undefined) return opaque(event);
  try {
    return decode(event);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const { number: entry, offset } = event;
    const message = `event ${entry} at offset ${offset}: ${error.message}`;
    return { kind: 'malformed', problem: new FormatError(error.code, message, { ...error.place, entry, offset }) };
  }
}

function opaque({ data }: BootEvent): DecodedEvent {
  return { kind: 'opaque', length: data.length };
}

function wholeU32(data: Uint8Array): number {
  const reader = new ByteReader(data, 'separator', { littleEndian: true });
  const value = reader.u32('value');
  reader.end();
  return value;
}

const SIGNATURE_LENGTH = 16;
const LOCALITY = 'StartupLocality';

function decodeNoAction({ data }: BootEvent): DecodedEvent {
  const end = data.subarray(0, SIGNATURE_LENGTH).indexOf(0);
  const text = printable(data.subarray(0, end < 0 ? Math.min(SIGNATURE_LENGTH, data.length) : end));
  if (text === LOCALITY) return { kind: 'startup-locality', locality: data[SIGNATURE_LENGTH] ?? 0 };
  return { kind: text.startsWith('Spec ID') ? 'spec-id' : 'no-action', text };
}

function decodeAction({ data }: BootEvent): DecodedEvent {
  return { kind: 'action', text: printable(data) };
}

/** Firmware writes its version as UTF-16 or as ASCII. */
function decodeVersion({ data }: BootEvent): DecodedEvent {
  const wide = data.length >= 2 && data.length % 2 === 0 && data[1] === 0;
  const text = wide ? printable(utf8(utf16Text(data).replace(/\0+$/, ''))) : printable(data);
  return { kind: 'version', text };
}

/** TCG_PCClientTaggedEvent: id, size, data; or a bare text, as kernels write it for confidential guests. */
function decodeTagged(event: BootEvent): DecodedEvent {
  const { data } = event;
  if (isBareText(data)) return decodeIpl(event);
  const reader = new ByteReader(data, 'tagged event', { littleEndian: true });
  const id = reader.u32('taggedEventID');
  const body = reader.take(reader.u32('taggedEventDataSize'), 'taggedEventData');
  reader.end();
  const text = body.at(-1) === 0 ? body.subarray(0, -1) : body;
  return { kind: 'tagged', id, text: printable(text) };
}

/** Characters with one NUL at the end; an id and a size have more. */
function isBareText(data: Uint8Array): boolean {
  return data.length > 8 && data.indexOf(0) === data.length - 1 && data.subarray(0, -1).every((byte) => byte >= 0x20);
}

function decodeIpl(event: BootEvent): DecodedEvent {
  const found = loaderText(event);
  return found === undefined ? opaque(event) : { kind: found.kind, text: found.text };
}

const SIGNATURE_VARIABLES = new Set([
  ...['PK', 'KEK'].map((name) => `${EFI_GLOBAL} ${name}`),
  ...['db', 'dbx', 'dbt', 'dbr'].map((name) => `${IMAGE_SECURITY} ${name}`),
]);

function decodeBootVariables(event: BootEvent): DecodedEvent {
  const [first, ...following] = parseVariables(event.data);
  if (first === undefined || following.length === 0) return decodeVariable(event);
  return { ...describeVariable(first), following: following.length };
}

function decodeVariable({ data }: BootEvent): DecodedEvent {
  return describeVariable(parseVariable(data));
}

function describeVariable({ vendor, name, data: content }: UefiVariable): Extract<DecodedEvent, { kind: 'variable' }> {
  const [value] = content;
  const holdsSignatures = SIGNATURE_VARIABLES.has(`${vendor} ${name}`);
  return {
    kind: 'variable',
    vendor,
    name: printable(utf8(name)),
    length: content.length,
    ...(holdsSignatures ? { signatures: parseSignatureLists(content).length } : {}),
    ...(content.length === 1 && value !== undefined ? { value } : {}),
  };
}

function decodeAuthority({ data }: BootEvent): DecodedEvent {
  const { vendor, name, data: content } = parseAuthority(data);
  return { kind: 'authority', vendor, name: printable(utf8(name)), length: content.length };
}

function decodeImage({ data }: BootEvent): DecodedEvent {
  const image = parseLoadedImage(data);
  return { kind: 'image', ...image, path: printable(utf8(image.path)) };
}

function decodeGpt({ data }: BootEvent): DecodedEvent {
  const { disk, partitions } = parseGpt(data);
  return { kind: 'gpt', disk, partitions: partitions.map((one) => ({ ...one, name: printable(utf8(one.name)) })) };
}

/** UEFI_PLATFORM_FIRMWARE_BLOB; some firmware writes a name instead. */
function decodeBlob(event: BootEvent): DecodedEvent {
  if (event.data.length !== 16) return { kind: 'blob', address: 0n, length: 0n, text: shortText(event.data) };
  const reader = new ByteReader(event.data, 'firmware blob', { littleEndian: true });
  return { kind: 'blob', address: reader.u64('BlobBase'), length: reader.u64('BlobLength'), text: '' };
}

/** UEFI_PLATFORM_FIRMWARE_BLOB2: a description with its length in front. */
function decodeBlob2({ data }: BootEvent): DecodedEvent {
  const reader = new ByteReader(data, 'firmware blob', { littleEndian: true });
  const text = shortText(reader.take(reader.u8('BlobDescriptionSize'), 'BlobDescription'));
  const blob = { address: reader.u64('BlobBase'), length: reader.u64('BlobLength') };
  reader.end();
  return { kind: 'blob', ...blob, text };
}

function shortText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const text = bytes.subarray(0, end < 0 ? undefined : end);
  return text.every((byte) => byte >= 0x20 && byte < 0x7f) ? printable(text) : toHex(bytes.subarray(0, 64));
}
