import { createInterface } from 'node:readline';
import { toHex } from '@assay/core/bytes';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { encodeImaLabel, LABEL_TYPES } from '@assay/core/label';
import { chosenHash, hashNamed } from './hashes.ts';
import { Failure, type Run } from './run.ts';
import { signDigest } from './sign-digest.ts';

/** evmctl keeps the name of an fs-verity hash in seven bytes. */
const LONGEST_NAME = 6;

/**
 * `evmctl sign_hash`: signs the digests that the lines of standard input begin with, as sha256sum or `fsverity digest`
 * prints them, and prints the lines with the labels.
 * @returns false where there was none
 */
export async function signHashes(run: Run): Promise<boolean> {
  let any = false;
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const signed = run.settings.verity ? verityLine(run, line) : plainLine(run, line);
    if (signed === undefined) continue;
    any = true;
    if (signed.algorithm === undefined) continue;
    const label = await signDigest(run, { algorithm: signed.algorithm, value: signed.digest }, signed.form);
    run.out(`${line} ${toHex(encodeImaLabel(label))}\n`);
  }
  return any;
}

interface Line {
  /** Undefined for one that is not known, which was said. */
  readonly algorithm: HashName | undefined;
  readonly digest: Uint8Array;
  readonly form: { readonly type: 3; readonly version: 2 } | { readonly type: 6; readonly version: 3 };
}

function plainLine(run: Run, line: string): Line | undefined {
  const [digits = ''] = line.split(/[ \t]/, 1);
  const digest = Buffer.from(digits, 'hex');
  return { algorithm: chosenHash(run), digest, form: { type: LABEL_TYPES.signature, version: 2 } };
}

function verityLine(run: Run, line: string): Line | undefined {
  const [, name = '', digits] = /^([^:]*):(?:([^ ]*) )?/.exec(line) ?? [];
  if (name === '' || name.length > LONGEST_NAME) {
    run.say('Missing/invalid fsverity hash algorithm');
    return undefined;
  }
  if (digits === undefined || digits === '') {
    run.say('Missing fsverity hash');
    return undefined;
  }
  const algorithm = hashNamed(name);
  if (algorithm === undefined) run.say(`Hash algorithm ${name} not supported\nFailure to calculate fs-verity hash`);
  const digest = Buffer.from(digits, 'hex');
  if (algorithm !== undefined && digest.length !== hashAlgorithm(algorithm).size) {
    run.say(`hash(${name}): ${toHex(digest)}`);
    throw new Failure('sign_hash_v2: signing failed: (invalid digest length) in EVP_PKEY_sign');
  }
  return { algorithm, digest, form: { type: LABEL_TYPES.verity, version: 3 } };
}
