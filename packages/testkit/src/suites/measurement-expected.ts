import { toHex } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { digestText, fieldsOf, type EntryFields, type FileDigest } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { VerityDigest } from '@assay/core/verity';
import { contentOf, labelHash, MEASURED_OWNERS, type MeasuredFile } from './measurement-cases.ts';

/** What of the command line of the kernel shows in its list. */
export interface ListBoot {
  /** `ima_hash=` */
  readonly hash: HashName;
  /** Name or format of the default template. */
  readonly template: string;
  readonly cmdline: string;
}

/** An entry as text that can be compared. */
export function shownEntry(pcr: number, template: string, fields: EntryFields): string {
  const { digest, name, signature, evmSignature, buffer, uid, gid, mode } = fields;
  const bytes = [name, signature, evmSignature, buffer, fields.modsig, fields.xattrValues].map((value) =>
    value === undefined ? '' : toHex(value),
  );
  const digests = [digestText(digest), digestText(fields.modsigDigest)];
  const numbers = [uid, gid, mode, fields.xattrNames?.join('+'), fields.xattrLengths?.join('+')];
  return [pcr, template, ...digests, ...bytes, ...numbers.map((value) => value ?? '')].join(' ').trimEnd();
}

/** The entries that a file brings into the list. */
export function expectedEntries(file: MeasuredFile, boot: ListBoot): string[] {
  const { template = boot.template, pcr = 10 } = MEASURED_OWNERS.get(file.owner) ?? {};
  const measured = shownEntry(pcr, template, fieldsFor(file, template, digestOf(file, template, boot.hash)));
  return file.kind === 'read' ? [measured] : [measured, violation(file, boot)];
}

/** By the default template into the default PCR, whatever the rule says; a signature of the contents is not recorded. */
function violation(file: MeasuredFile, { template, hash }: ListBoot): string {
  const none = new Uint8Array(nodeHasher.digest(hash).length);
  const fields = fieldsFor(file, template, typed(template, hash, none));
  const { evm = new Uint8Array() } = file;
  return shownEntry(10, template, fieldsOf(template).includes('sig') ? { ...fields, signature: evm } : fields);
}

function fieldsFor(file: MeasuredFile, template: string, digest: FileDigest): EntryFields {
  const ids = fieldsOf(template);
  const { ima, evm } = file;
  const name = nameOf(file.path, ids.includes('n') ? SHORT_NAME : Infinity);
  const inode = ids.includes('iuid') ? { uid: file.owner, gid: file.index, mode: 0o100644 } : {};
  const xattrs = ids.includes('xattrnames') && ima !== undefined ? xattrsOf(ima) : {};
  // Without a signature of its contents a file is recorded with that of its metadata.
  const signature = ima?.[0] === SIGNATURE ? ima : evm;
  return {
    digest,
    name,
    ...inode,
    ...xattrs,
    ...(ids.includes('sig') && signature !== undefined ? { signature } : {}),
    ...(ids.includes('evmsig') && evm !== undefined ? { evmSignature: evm } : {}),
  };
}

const SIGNATURE = 3;
/** IMA_EVENT_NAME_LEN_MAX: of a longer path, the last name. */
const SHORT_NAME = 255;
const BLANK = 0x20;
const UNDERSCORE = 0x5f;
const SLASH = 0x2f;

function nameOf(path: Uint8Array, limit: number): Uint8Array {
  const whole = path.length <= limit ? path : path.subarray(path.lastIndexOf(SLASH) + 1);
  return whole.map((byte) => (byte === BLANK ? UNDERSCORE : byte));
}

function xattrsOf(ima: Uint8Array): EntryFields {
  return { xattrNames: ['security.ima'], xattrLengths: [ima.length], xattrValues: ima };
}

function typed(template: string, algorithm: HashName, value: Uint8Array): FileDigest {
  return fieldsOf(template).includes('d-ngv2') ? { algorithm, value, type: 'ima' } : { algorithm, value };
}

function digestOf(file: MeasuredFile, template: string, imaHash: HashName): FileDigest {
  if (file.verity !== undefined) return verityDigestOf(file);
  // For this one template the kernel does not look at the label.
  const algorithm = file.ima === undefined || template === 'ima' ? imaHash : labelHash(file.ima);
  const isShort = fieldsOf(template).includes('d');
  const used = isShort && algorithm !== 'md5' ? 'sha1' : algorithm;
  return typed(template, used, nodeHasher.digest(used, contentOf(file)));
}

const BLOCK_SIZE = 4096;

function verityDigestOf({ verity, ...file }: MeasuredFile): FileDigest {
  if (verity === undefined) throw new RangeError('not a file with fs-verity');
  const digest = new VerityDigest(nodeHasher, { ...verity, blockSize: BLOCK_SIZE });
  digest.update(contentOf(file));
  return { algorithm: verity.algorithm, value: digest.finish().digest, type: 'verity' };
}
