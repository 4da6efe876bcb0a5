import { printable } from '../bytes/index.ts';
import { parseSignedData, type ParsedSignedData } from '../cms/index.ts';
import { FormatError } from '../errors/index.ts';
import type { Hasher } from '../hash/index.ts';
import { filenameHint, type EntryFields, type FileDigest } from '../measurement/index.ts';
import { readMeasuredBuffer, readable, type MeasuredBuffer, type Unreadable } from './measured-buffer.ts';
import { parseEvmLabel, parseImaLabel } from './parse.ts';
import { LABEL_TYPES, type Parsed, type SignatureLabel, type SignatureV1Label } from './types.ts';

export type MeasuredSignature = Parsed<SignatureLabel> | Parsed<SignatureV1Label> | Unreadable;

/** A signature that was appended to a file. The digest is of the file without it. */
export interface MeasuredModsig {
  readonly digest?: FileDigest;
  /** The signature in CMS. */
  readonly signature?: ({ readonly kind: 'cms' } & ParsedSignedData) | Unreadable;
}

/** One attribute of those that EVM protects; `value` where the template has values. */
export interface MeasuredXattr {
  readonly name: string;
  readonly length?: number;
  readonly value?: Uint8Array;
}

export interface MeasuredXattrs {
  readonly kind: 'xattrs';
  /** In the order of EVM's list. */
  readonly list: readonly MeasuredXattr[];
}

/**
 * What an entry carries besides digest and name. What its template does not have, or the kernel left empty, is absent.
 * Parsed only: that a signature is there does not say that it is good, nor that the kernel checked it.
 */
export interface MeasuredParts {
  /** `sig`: of security.ima, or of security.evm where that is a portable signature and security.ima has none. */
  readonly signature?: MeasuredSignature;
  /** `evmsig` */
  readonly evmSignature?: MeasuredSignature;
  readonly modsig?: MeasuredModsig;
  readonly buffer?: MeasuredBuffer;
  /** Owner in the initial user namespace, and type and permission bits. */
  readonly owner?: { readonly uid?: number; readonly gid?: number; readonly mode?: number };
  readonly xattrs?: MeasuredXattrs | Unreadable;
}

/** Decodes what the fields of an entry carry; what cannot be read is told, not thrown. */
export function measuredParts(hasher: Hasher, fields: EntryFields): MeasuredParts {
  const parts = {
    signature: signatureOf(fields.signature),
    evmSignature: signatureOf(fields.evmSignature),
    modsig: modsigOf(fields),
    buffer: bufferOf(hasher, fields),
    owner: ownerOf(fields),
    xattrs: xattrsOf(fields),
  };
  return present(parts);
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(parts: T): Present<T>;
function present(parts: object): object {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

/** ima_template_lib.c, ima_eventsig_init and ima_eventevmsig_init: the first byte tells of which attribute it is. */
function signatureOf(raw: Uint8Array | undefined): MeasuredSignature | undefined {
  if (raw === undefined || raw.length === 0) return undefined;
  return readable(raw, () => {
    const label = raw[0] === LABEL_TYPES.portable ? parseEvmLabel(raw) : parseImaLabel(raw);
    if (label.kind === 'signature' || label.kind === 'signature-v1') return label;
    throw new FormatError('LABEL-FORM', 'the field of a signature holds a digest', { offset: 0 });
  });
}

function modsigOf({ modsig, modsigDigest }: EntryFields): MeasuredModsig | undefined {
  if (modsig === undefined && modsigDigest === undefined) return undefined;
  const signature =
    modsig === undefined || modsig.length === 0
      ? undefined
      : readable(modsig, () => ({ kind: 'cms' as const, ...parseSignedData(modsig) }));
  return present({ digest: modsigDigest, signature });
}

function bufferOf(hasher: Hasher, fields: EntryFields): MeasuredBuffer | undefined {
  const { buffer } = fields;
  return buffer === undefined || buffer.length === 0
    ? undefined
    : readMeasuredBuffer(hasher, filenameHint(fields), buffer);
}

function ownerOf({ uid, gid, mode }: EntryFields): MeasuredParts['owner'] {
  return uid === undefined && gid === undefined && mode === undefined ? undefined : present({ uid, gid, mode });
}

/** The three fields have the same order; a custom template may have some of them only. */
function xattrsOf(fields: EntryFields): MeasuredXattrs | Unreadable | undefined {
  const { xattrNames: names, xattrLengths: lengths, xattrValues: values } = fields;
  if (names === undefined) return undefined;
  return readable(values ?? new Uint8Array(0), () => {
    const total = lengths?.reduce((sum, length) => sum + length, 0) ?? 0;
    const whole = lengths === undefined || values === undefined || total === values.length;
    if ((lengths !== undefined && lengths.length !== names.length) || !whole) {
      throw new FormatError('LIST-FIELD', `${names.length} xattrs, and lengths or values of others`);
    }
    let offset = 0;
    const list = names.map((name, index) => {
      const length = lengths?.[index];
      const start = offset;
      offset += length ?? 0;
      const value = length === undefined ? undefined : values?.subarray(start, offset);
      return { name: printable(latin1(name)), ...present({ length, value }) };
    });
    return { kind: 'xattrs', list };
  });
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
