import { AssayError, FormatError, VerificationError } from '@assay/core/errors';
import { inodeFacts } from '../files/index.ts';
import { enableVerity, measureVerity } from '../verity/index.ts';
import { contentDigest, verityDigest } from './content.ts';
import { hmacWritten, metadataSigned, metadataVerified } from './evm.ts';
import { hashed, signed, verified } from './ima.ts';
import type { LabelJob, LabelResult } from './job.ts';
import { openLabelSigner, type OpenedSigner } from './signing.ts';
import { steadily, type Plan } from './steady.ts';

/** One job in one thread: its signing key is opened once. */
export class LabelRunner {
  readonly #job: LabelJob;
  readonly #signer: OpenedSigner | undefined;

  /** @throws FormatError KEY-PRIVATE, KEY-UNKNOWN; SystemError SIGNER-FAILED */
  constructor(job: LabelJob) {
    this.#job = job;
    this.#signer = 'key' in job && 'source' in job.key ? openLabelSigner(job.key) : undefined;
  }

  /** Does the job to an open regular file; whatever goes wrong with it is in the result. */
  async run(fd: number): Promise<LabelResult> {
    try {
      return await this.#done(fd);
    } catch (error) {
      return resultOf(error, this.#job.kind === 'verify' || this.#job.kind === 'evm-verify');
    }
  }

  #done(fd: number): Promise<LabelResult> {
    const job = this.#job;
    switch (job.kind) {
      case 'hash':
        return steadily(fd, (stats) => hashed(fd, stats, job));
      case 'sign':
        return steadily(fd, (stats) => signed(fd, stats, job, this.#opened()));
      case 'verify':
        return steadily(fd, (stats) => verified(fd, stats, job));
      case 'evm-hmac':
        return steadily(fd, () => hmacWritten(fd, job));
      case 'evm-sign':
        return steadily(fd, () => metadataSigned(fd, job, this.#opened()));
      case 'evm-verify':
        return steadily(fd, () => metadataVerified(fd, job));
      case 'describe':
        return described(fd, job);
      case 'verity-digest':
        return steadily(fd, () => computed(fd, job));
      case 'verity-enable':
        return Promise.resolve(enabled(fd, job));
    }
  }

  #opened(): OpenedSigner {
    if (this.#signer === undefined) throw new TypeError('this job has no signing key');
    return this.#signer;
  }
}

/** Owner, mode and times are those of a file that stays the same meanwhile; attributes are guarded by its ctime. */
async function described(fd: number, { algorithm }: Extract<LabelJob, { kind: 'describe' }>): Promise<LabelResult> {
  try {
    const result = await steadily(fd, async ({ size }) => {
      const inode = inodeFacts(fd);
      return { result: { state: 'computed', digest: await contentDigest(fd, algorithm, size), inode } };
    });
    return result.inode === undefined ? { ...result, inode: inodeFacts(fd) } : result;
  } catch (error) {
    return { ...resultOf(error, false), inode: inodeFacts(fd) };
  }
}

function computed(fd: number, { parameters }: Extract<LabelJob, { kind: 'verity-digest' }>): Plan {
  return { result: { state: 'computed', digest: verityDigest(fd, parameters) } };
}

/** The kernel itself computes the digest, and lets nobody write from then on. */
function enabled(fd: number, { parameters, dryRun }: Extract<LabelJob, { kind: 'verity-enable' }>): LabelResult {
  const before = measureVerity(fd);
  if (before === undefined && dryRun) return { state: 'would-change' };
  const isNew = before === undefined && enableVerity(fd, parameters);
  const measured = before ?? measureVerity(fd);
  const state = isNew ? 'changed' : 'unchanged';
  return measured === undefined
    ? { state }
    : { state, digest: { algorithm: measured.algorithm, value: measured.digest } };
}

/** @param verifying whether a label that cannot be read is an answer, not a failure */
function resultOf(error: unknown, verifying: boolean): LabelResult {
  const message = error instanceof Error ? error.message : String(error);
  const answer = error instanceof VerificationError || (verifying && error instanceof FormatError);
  const code = error instanceof AssayError || isSystemError(error) ? error.code : 'INTERNAL';
  return { state: answer ? 'wrong' : 'failed', code, message };
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
