import { concat } from '@assay/core/bytes';
import { EVM_XATTRS } from '@assay/core/evm';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { LABEL_TYPES, type ComputedDigest } from '@assay/core/label';
import { fieldsOf, type EntryFields, type FileDigest } from '@assay/core/measurement';
import { kernelName, type EntryDraft } from '../drafts.ts';
import type { FileState, OpenedModsig, XattrAnswer } from './contract.ts';

/** What entries tell of a file besides its digest. */
export interface EntryFile {
  readonly path: Uint8Array;
  readonly state: FileState;
  readonly xattr: (name: string) => XattrAnswer;
  /** Only where the rules let the kernel look for one. */
  readonly modsig?: OpenedModsig | undefined;
}

/** IMA_EVENT_NAME_LEN_MAX: of a longer path the last name is taken. */
const SHORT_NAME = 255;
const SLASH = 0x2f;
const EMPTY = new Uint8Array(0);

/** Whether the template has a digest without an algorithm, which is MD5 or SHA-1. */
export function hasOldDigest(template: string): boolean {
  return fieldsOf(template).includes('d');
}

/** @param digest by the algorithm that the template can name */
export function fileEntry(file: EntryFile, template: string, digest: FileDigest, pcr: number): EntryDraft {
  const found = file.xattr('security.ima');
  const label = typeof found === 'string' ? null : found;
  return { template, pcr, fields: fieldsFor(file, template, digest, label) };
}

/** Always by the default template; a signature of the content is not recorded (ima_api.c, ima_add_violation). */
export function violationEntry(file: EntryFile, template: string, imaHash: HashName): EntryDraft {
  const algorithm = hasOldDigest(template) ? 'sha1' : imaHash;
  const digest = typedDigest(template, { algorithm, value: new Uint8Array(hashAlgorithm(algorithm).size) }, 'ima');
  return { template, violation: true, fields: fieldsFor(file, template, digest, null) };
}

/** `d-ngv2` says what was digested, the other fields do not. */
export function typedDigest(template: string, digest: ComputedDigest, type: 'ima' | 'verity'): FileDigest {
  return fieldsOf(template).includes('d-ngv2') ? { ...digest, type } : digest;
}

/** Of what is cheap all of it: an entry takes what its template has. */
function fieldsFor(file: EntryFile, template: string, digest: FileDigest, label: Uint8Array | null): EntryFields {
  const ids = fieldsOf(template);
  const { path, state } = file;
  const isShort = ids.includes('n') && path.length > SHORT_NAME;
  const evmSignature = ids.some((id) => id === 'sig' || id === 'evmsig') ? portableSignature(file) : EMPTY;
  return {
    digest,
    name: kernelName(isShort ? path.subarray(path.lastIndexOf(SLASH) + 1) : path),
    signature: contentSignature(label) ?? evmSignature,
    evmSignature,
    buffer: EMPTY,
    uid: state.owner,
    gid: state.group,
    mode: state.mode,
    ...modsigFields(file),
    ...(ids.some((id) => id.startsWith('xattr')) ? xattrFields(file) : {}),
  };
}

/** ima_template_lib.c, ima_eventsig_init */
function contentSignature(label: Uint8Array | null): Uint8Array | undefined {
  const type = label?.[0];
  return label !== null && (type === LABEL_TYPES.signature || type === LABEL_TYPES.verity) ? label : undefined;
}

function portableSignature({ xattr }: EntryFile): Uint8Array {
  const value = xattr('security.evm');
  return value instanceof Uint8Array && value[0] === LABEL_TYPES.portable ? value : EMPTY;
}

function modsigFields({ modsig }: EntryFile): EntryFields {
  return modsig === undefined ? {} : { modsigDigest: modsig.digest, modsig: modsig.signed.raw };
}

/** In the order of EVM's list, whether it counts them or not (ima_eventinodexattrs_init_common). */
function xattrFields({ xattr }: EntryFile): EntryFields {
  const found = EVM_XATTRS.flatMap((name) => {
    const value = xattr(name);
    return value instanceof Uint8Array ? [{ name, value }] : [];
  });
  if (found.length === 0) return {};
  return {
    xattrNames: found.map(({ name }) => name),
    xattrLengths: found.map(({ value }) => value.length),
    xattrValues: concat(found.map(({ value }) => value)),
  };
}
