import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import {
  BaselineReader,
  verifyBaseline,
  type BaselineObject,
  type ParsedBaseline,
  type VerifiedBaseline,
} from '@assay/core/baseline';
import { FormatError, VerificationError } from '@assay/core/errors';
import { nodeCrypto } from '@assay/core/node';
import type { VerifyingOptions } from './options.ts';
import { signerKeys } from './keys.ts';

const CHUNK = 256 * 1024;

/** A baseline that was read to its end. */
export interface OpenedBaseline {
  readonly path: string;
  readonly parsed: ParsedBaseline;
  /** None where no key was given: nothing then tells who wrote it. */
  readonly verified?: VerifiedBaseline;
}

/**
 * Reads a baseline to its end and checks its signature, where there are keys.
 * @throws FormatError BASELINE-FORM and others; VerificationError BASELINE-DIGEST, BASELINE-SIGNATURE
 */
export async function openBaseline(path: string, options: VerifyingOptions): Promise<OpenedBaseline> {
  const keys = await signerKeys(options);
  const reading = objectsOf(path);
  let step = reading.next();
  while (step.done !== true) step = reading.next();
  const parsed = step.value;
  return keys.length === 0 ? { path, parsed } : { path, parsed, verified: verifyBaseline(parsed, keys, nodeCrypto) };
}

/**
 * Reads the objects of a baseline that was opened.
 * @throws VerificationError BASELINE-DIGEST, at the end, where the file is another one by now
 */
export function* baselineObjects({ path, parsed, verified }: OpenedBaseline): Generator<BaselineObject, void> {
  const again = yield* objectsOf(path);
  if (verified === undefined ? again.digest === parsed.digest : verified.isSame(again)) return;
  throw new VerificationError('BASELINE-DIGEST', 'the baseline was changed while it was read');
}

function* objectsOf(path: string): Generator<BaselineObject, ParsedBaseline> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw new FormatError('INPUT-FILE', `${path} is not a regular file`);
    const reader = new BaselineReader(createHash('sha256'));
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const length = readSync(fd, buffer);
      if (length === 0) return reader.finish();
      yield* reader.push(buffer.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
}
