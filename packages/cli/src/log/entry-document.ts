import { toHex } from '@assay/core/bytes';
import type { MeasurementEntry } from '@assay/core/measurement';
import { digestText, entryKind, filenameHint } from '@assay/core/measurement';
import {
  measuredParts,
  type MeasuredBuffer,
  type MeasuredKey,
  type MeasuredModsig,
  type MeasuredParts,
  type MeasuredSignature,
  type MeasuredXattrs,
  type Unreadable,
} from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { signedDataDocument } from '../labels/signed-data.ts';
import { certificateNames } from './certificate-names.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** An entry in JSON. @param long with its template data, from which all else is decoded */
export function entryDocument(entry: MeasurementEntry, long: boolean): object {
  const { signature, buffer } = entry.fields;
  const parts = partsDocument(measuredParts(nodeHasher, entry.fields));
  return {
    entry: entry.number,
    offset: entry.offset,
    length: entry.length,
    pcr: entry.pcr,
    template: entry.template,
    templateDigest: toHex(entry.templateDigest),
    kind: entryKind(entry),
    digest: digestText(entry.fields.digest),
    ...nameMembers(entry.fields.name ?? new Uint8Array(0)),
    filenameHint: filenameHint(entry.fields),
    ...(signature === undefined || signature.length === 0 ? {} : { signature: toHex(signature) }),
    ...(buffer === undefined ? {} : { buffer: toHex(buffer) }),
    ...(Object.keys(parts).length === 0 ? {} : { parts }),
    ...(long ? { templateData: toHex(entry.templateData) } : {}),
  };
}

/** The name itself where it is text, else its bytes. */
function nameMembers(name: Uint8Array): object {
  try {
    return { name: decoder.decode(name) };
  } catch {
    return { nameHex: toHex(name) };
  }
}

function partsDocument({ signature, evmSignature, modsig, buffer, owner, xattrs }: MeasuredParts): object {
  return {
    ...(signature === undefined ? {} : { signature: signatureDocument(signature) }),
    ...(evmSignature === undefined
      ? {}
      : { evmSignature: { ...signatureDocument(evmSignature), raw: toHex(evmSignature.raw) } }),
    ...(modsig === undefined ? {} : { modsig: modsigDocument(modsig) }),
    ...(buffer === undefined ? {} : { buffer: bufferDocument(buffer) }),
    ...(owner === undefined ? {} : { owner }),
    ...(xattrs === undefined ? {} : { xattrs: xattrsDocument(xattrs) }),
  };
}

function unreadableDocument({ problem }: Unreadable): object {
  return { kind: 'unreadable', code: problem.code, message: problem.message };
}

function signatureDocument(label: MeasuredSignature): object {
  if (label.kind === 'unreadable') return unreadableDocument(label);
  const { kind, algorithm, signature } = label;
  const common = { algorithm, bytes: signature.length };
  if (kind === 'signature-v1') {
    return { kind, ...common, keyId: toHex(label.keyId), time: new Date(label.time * 1000).toISOString() };
  }
  return { kind, type: label.type, version: label.version, ...common, keyId: keyIdText(label.keyId) };
}

export function keyIdText(keyId: number): string {
  return keyId.toString(16).padStart(8, '0');
}

function modsigDocument({ digest, signature }: MeasuredModsig): object {
  return {
    ...(digest === undefined ? {} : { digest: digestText(digest) }),
    ...(signature === undefined ? {} : { signature: toHex(signature.raw), ...signerDocument(signature) }),
  };
}

function signerDocument(signature: NonNullable<MeasuredModsig['signature']>): object {
  return signature.kind === 'cms' ? { signer: signedDataDocument(signature) } : unreadableDocument(signature);
}

function bufferDocument(buffer: MeasuredBuffer): object {
  switch (buffer.kind) {
    case 'key':
      return keyDocument(buffer);
    case 'unreadable':
      return { ...unreadableDocument(buffer), keyring: buffer.keyring };
    case 'text': {
      const { kind, event, text, pairs } = buffer;
      return { kind, event, text, ...(pairs === undefined ? {} : { pairs: Object.fromEntries(pairs) }) };
    }
    case 'digest':
      return { kind: 'digest', event: buffer.event, value: toHex(buffer.value) };
    case 'data':
      return { kind: 'data', event: buffer.event, bytes: buffer.raw.length };
  }
}

function keyDocument({ kind, keyring, certificate, keyId }: MeasuredKey): object {
  return { kind, keyring, keyId: keyIdText(keyId), key: keyText(certificate), ...certificateNames(certificate) };
}

/** `rsa 2048` or the curve. */
export function keyText({ publicKey }: MeasuredKey['certificate']): string {
  if (publicKey.kind === 'ecc') return publicKey.curve;
  return `rsa ${publicKey.modulus.length * 8 - Math.clz32(publicKey.modulus[0] ?? 0) + 24}`;
}

function xattrsDocument(xattrs: MeasuredXattrs | Unreadable): object {
  if (xattrs.kind === 'unreadable') return unreadableDocument(xattrs);
  return xattrs.list.map(({ value, ...rest }) => ({
    ...rest,
    ...(value === undefined ? {} : { value: toHex(value) }),
  }));
}
