import { rename, writeFile } from 'node:fs/promises';
import { createPublicKey } from 'node:crypto';
import { utf8 } from '@assay/core/bytes';
import { looksLikeEnvelope, parseEnvelope } from '@assay/core/dsse';
import { FormatError } from '@assay/core/errors';
import { nodeDigestSignatures, nodeHasher } from '@assay/core/node';
import {
  compileReference,
  parseReference,
  REFERENCE_PAYLOAD_TYPE,
  referenceDigest,
  type ParsedReference,
  type ReferenceDocument,
  type ReferenceValues,
  type TrustedKey,
} from '@assay/core/reference';
import { re2Patterns } from '@assay/verifier/policies';
import { boundedContent } from '../bounded-file.ts';

const LARGEST = 512 * 1024 * 1024;
const LARGEST_KEY = 1024 * 1024;

/** A file of reference values, in an envelope or not. Parsed only: who signed it is not looked at. */
export interface ReferenceFile {
  readonly reference: ParsedReference;
  readonly bytes: Uint8Array;
  readonly signed: boolean;
}

/** @throws FormatError REFERENCE-FORM, ENVELOPE-FORM and others */
export async function readReference(path: string): Promise<ReferenceFile> {
  const bytes = Uint8Array.from(await boundedContent(path, LARGEST));
  if (!isEnvelope(bytes)) return { reference: parseReference(bytes), bytes, signed: false };
  const { payloadType, payload } = parseEnvelope(bytes);
  if (payloadType !== REFERENCE_PAYLOAD_TYPE) {
    throw new FormatError('ENVELOPE-FORM', `${path} holds something else: ${payloadType}`);
  }
  return { reference: parseReference(payload), bytes, signed: true };
}

export function isEnvelope(bytes: Uint8Array): boolean {
  try {
    return looksLikeEnvelope(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return false;
  }
}

/** One element of a list a line, so that versions compare line by line. */
export function referenceText(document: ReferenceDocument): string {
  const members = Object.entries(document).map(([name, value]) => `${JSON.stringify(name)}: ${memberText(value)}`);
  return `{\n${members.map((member) => ` ${member}`).join(',\n')}\n}\n`;
}

function memberText(value: unknown): string {
  if (!Array.isArray(value) || value.length === 0) return JSON.stringify(value);
  return `[\n${value.map((each) => `  ${elementText(each)}`).join(',\n')}\n ]`;
}

/** Of pools, each digest is on a line of its own. */
function elementText(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('digests' in value)) {
    return JSON.stringify(value);
  }
  const { digests, ...head } = value;
  if (!Array.isArray(digests) || digests.length === 0) return JSON.stringify(value);
  const lines = digests.map((each) => `   ${JSON.stringify(each)}`).join(',\n');
  return `${JSON.stringify(head).slice(0, -1)},"digests":[\n${lines}\n  ]}`;
}

/** A crash leaves the old file or the new one. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  await writeFile(beside, content, { flag: 'wx', mode: 0o644 });
  await rename(beside, path);
}

/** @throws FormatError of the document that the program made */
export async function writeReference(path: string, document: ReferenceDocument): Promise<string> {
  const text = referenceText(document);
  const parsed = parseReference(utf8(text));
  await writeWhole(path, text);
  return referenceDigest(nodeHasher, parsed);
}

/** Public keys of signers, by the names of their files. @throws FormatError PEM-FORM */
export async function trustedKeys(paths: readonly string[]): Promise<TrustedKey[]> {
  return Promise.all(
    paths.map(async (name) => {
      const pem = (await boundedContent(name, LARGEST_KEY)).toString('latin1');
      return { name, spki: spkiOf(name, pem) };
    }),
  );
}

function spkiOf(path: string, pem: string): Uint8Array {
  // Of a private key, OpenSSL would give the public one.
  if (!pem.includes('-----BEGIN PUBLIC KEY-----') || pem.includes('PRIVATE KEY-----')) {
    throw new FormatError('PEM-FORM', `${path} is no public key in PEM (-----BEGIN PUBLIC KEY-----)`);
  }
  try {
    return createPublicKey(pem).export({ format: 'der', type: 'spki' });
  } catch {
    throw new FormatError('PEM-FORM', `OpenSSL reads no public key from ${path}`);
  }
}

/** @throws FormatError REFERENCE-PATTERN, KEY-UNKNOWN, DER-FORM */
export function compiled(document: ReferenceDocument): ReferenceValues {
  const ports = { hasher: nodeHasher, digestSignatures: nodeDigestSignatures, patterns: re2Patterns };
  return compileReference(document, ports);
}
