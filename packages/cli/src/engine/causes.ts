/** What a cause of the kernel's audit records means, and what mends it. */
export interface CauseText {
  readonly meaning: string;
  readonly next: string;
}

const SIGN = 'assay file sign PATH --key KEY --cert CERT';
const HASH = 'assay file hash PATH';

const CAUSES: Readonly<Record<string, CauseText>> = {
  'missing-hash': { meaning: 'the file has no security.ima', next: HASH },
  'invalid-hash': {
    meaning: 'the content is not the one that security.ima was made of',
    next: `if the content is meant to be so: ${HASH}; if not, install the file again`,
  },
  'IMA-signature-required': { meaning: 'the rule demands a signature, and the label is none', next: SIGN },
  'verity-signature-required': {
    meaning: 'the rule demands a signature of the fs-verity digest',
    next: 'assay verity enable PATH, then assay file sign PATH --verity --key KEY --cert CERT',
  },
  'IMA-sigv3-required': { meaning: 'the rule demands a signature of version 3', next: `${SIGN} --sig-version 3` },
  'invalid-signature': {
    meaning: 'the signature is not of this content, or by a key that is not given',
    next: 'name the certificate of the signer with --cert; if it is there, the content was changed',
  },
  'invalid-verity-signature': {
    meaning: 'the signature is not of this fs-verity digest, or by a key that is not given',
    next: 'name the certificate of the signer with --cert',
  },
  'invalid-signature-version': { meaning: 'this kernel does not know such a signature', next: SIGN },
  'unknown-ima-data': { meaning: 'security.ima is of no known form', next: HASH },
  unknown: { meaning: 'security.ima could not be read or checked', next: 'assay file show PATH' },
  'no-verity-digest': { meaning: 'the rule wants fs-verity, which is not enabled', next: 'assay verity enable PATH' },
  'missing-HMAC': {
    meaning: 'EVM has a key, and the file has no security.evm',
    next: 'assay evm hmac PATH --evm-key KEY',
  },
  'invalid-HMAC': {
    meaning: 'owner, mode or attributes are not those that security.evm was made of',
    next: 'if they are meant to be so: assay evm hmac PATH --evm-key KEY',
  },
  'invalid-fail-immutable': {
    meaning: 'the portable signature in security.evm does not verify',
    next: 'assay evm verify PATH --cert CERT',
  },
  'denied-hash-algorithm': {
    meaning: 'the label is by an algorithm that the rule does not allow',
    next: 'assay file hash PATH --algorithm NAME --replace',
  },
  'signed-file-written': {
    meaning: 'a signed file is not opened for writing',
    next: 'replace it by a new signed file instead of writing to it',
  },
  'unverifiable-signature': {
    meaning: 'its file system can change it unseen (FUSE, network)',
    next: 'move it to a local file system',
  },
  'no-xattr-support': {
    meaning: 'its file system keeps no labels',
    next: 'except the file system: dont_appraise fsmagic=…',
  },
  failed: {
    meaning: 'the content could not be read',
    next: 'look at the disk, and whether something writes to the file',
  },
  'failed(directio)': { meaning: 'it is opened with O_DIRECT', next: 'add permit_directio to the rule' },
  mmapped_writers: { meaning: 'somebody has it open for writing', next: 'close it there first: fuser PATH' },
};

export function causeText(cause: string, path: string): CauseText {
  const { meaning, next } = CAUSES[cause] ?? { meaning: cause, next: 'assay file show PATH' };
  return { meaning, next: next.replaceAll('PATH', path) };
}
