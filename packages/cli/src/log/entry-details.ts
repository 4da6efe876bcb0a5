import { toHex } from '@assay/core/bytes';
import {
  measuredParts,
  type MeasuredBuffer,
  type MeasuredModsig,
  type MeasuredParts,
  type MeasuredSignature,
} from '@assay/core/label';
import { digestText, entryKind, filenameHint, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { signedDataText } from '../labels/signed-data.ts';
import { shown } from '../output/terminal.ts';
import { certificateNames } from './certificate-names.ts';
import { keyIdText, keyText } from './entry-document.ts';

/** Lines of a long text that are shown; the rest is in JSON. */
const LINES = 40;
const LINE_CHARACTERS = 500;
const LABEL_WIDTH = 17;

/** Everything that an entry carries, over several lines. @param dim how its labels are painted */
export function entryDetails(entry: MeasurementEntry, dim: (text: string) => string): string {
  const rows: [label: string, value: string][] = [
    ['name', filenameHint(entry.fields)],
    ['digest', digestText(entry.fields.digest) || 'none'],
    ['template digest', entry.violation ? 'none: a violation' : toHex(entry.templateDigest)],
    ['place', `byte ${entry.offset}, ${entry.length} bytes`],
    ...partRows(measuredParts(nodeHasher, entry.fields)),
  ];
  const head = `entry ${entry.number}  PCR ${entry.pcr}  ${entry.template}  ${entryKind(entry)}\n`;
  return head + rows.map(([label, value]) => `  ${dim(label.padEnd(LABEL_WIDTH))}${value}\n`).join('');
}

function partRows(parts: MeasuredParts): [string, string][] {
  const { signature, evmSignature, modsig, buffer, owner, xattrs } = parts;
  const rows: [string, string][] = [];
  if (signature !== undefined) rows.push(['signature', signatureText(signature)]);
  if (evmSignature !== undefined) rows.push(['EVM signature', signatureText(evmSignature)]);
  if (modsig !== undefined) {
    rows.push(['appended', `PKCS#7, ${modsigText(modsig)}, over ${digestText(modsig.digest) || 'no digest'}`]);
  }
  if (buffer !== undefined) rows.push(...bufferRows(buffer));
  if (owner !== undefined) rows.push(['owner', ownerText(owner)]);
  if (xattrs?.kind === 'unreadable') rows.push(['attributes', shown(`not readable: ${xattrs.problem.message}`)]);
  else for (const xattr of xattrs?.list ?? []) rows.push(['attribute', xattrText(xattr)]);
  return rows;
}

function signatureText(label: MeasuredSignature): string {
  if (label.kind === 'unreadable') return shown(`not readable: ${label.problem.message}`);
  if (label.kind === 'signature-v1') {
    return `security.ima, version 1, ${label.algorithm}, key ${toHex(label.keyId)}, ${label.signature.length} bytes`;
  }
  const of = { 3: 'security.ima', 5: 'security.evm, portable', 6: 'security.ima, fs-verity' }[label.type];
  const { version, algorithm, keyId, signature } = label;
  return `${of}, version ${version}, ${algorithm}, key ${keyIdText(keyId)}, ${signature.length} bytes`;
}

function modsigText({ signature }: MeasuredModsig): string {
  if (signature === undefined) return 'no signature';
  return signature.kind === 'cms' ? signedDataText(signature) : shown(`not readable: ${signature.problem.message}`);
}

function bufferRows(buffer: MeasuredBuffer): [string, string][] {
  switch (buffer.kind) {
    case 'key': {
      const { subject, issuer, notAfter } = certificateNames(buffer.certificate);
      const names: [string, string | undefined][] = [
        ['subject', subject],
        ['issuer', issuer],
        ['valid until', notAfter],
      ];
      return [
        ['key', `${keyText(buffer.certificate)}, id ${keyIdText(buffer.keyId)}, for keyring ${buffer.keyring}`],
        ...names.flatMap(([label, value]): [string, string][] => (value === undefined ? [] : [[label, shown(value)]])),
      ];
    }
    case 'unreadable':
      return [['key', shown(`not a certificate that can be read: ${buffer.problem.message}`)]];
    case 'digest':
      return [['digest of data', toHex(buffer.value)]];
    case 'data':
      return [['data', `${buffer.raw.length} bytes`]];
    case 'text':
      return buffer.pairs === undefined
        ? textRows(buffer.text)
        : buffer.pairs.map(([name, value]) => ['value', shown(`${name} = ${value}`)]);
  }
}

function textRows(text: string): [string, string][] {
  const lines = text.replace(/\n$/, '').split('\n');
  const rows = lines.slice(0, LINES).map((line): [string, string] => ['text', shown(line.slice(0, LINE_CHARACTERS))]);
  if (lines.length > LINES) rows.push(['', `and ${lines.length - LINES} more lines`]);
  return rows;
}

function ownerText({ uid, gid, mode }: NonNullable<MeasuredParts['owner']>): string {
  return [
    uid === undefined ? '' : `uid ${uid}`,
    gid === undefined ? '' : `gid ${gid}`,
    mode === undefined ? '' : `mode 0${mode.toString(8)}`,
  ]
    .filter((text) => text !== '')
    .join(', ');
}

/** Values are as long as 64 KiB; JSON has them whole. */
const VALUE_BYTES = 40;

function xattrText({ name, length, value }: { name: string; length?: number; value?: Uint8Array }): string {
  const size = length === undefined ? '' : `, ${length} bytes`;
  if (value === undefined || value.length === 0) return `${name}${size}`;
  return `${name}${size}: ${toHex(value.subarray(0, VALUE_BYTES))}${value.length > VALUE_BYTES ? '…' : ''}`;
}
