import { availableParallelism } from 'node:os';
import { ListVerifier } from '@assay/core/measurement';
import { inPlaceHasher } from '../digests/index.ts';
import type { ListSource, VerifyListOptions } from './options.ts';
import { verifyInSections } from './pipeline.ts';

const CHUNK = 256 * 1024;
/** Starting a thread costs as much as verifying this many bytes. */
const LONG = 8 * 1024 * 1024;
/** The chain of the PCRs, which is not shared, takes as long as what this many threads compute. */
const MOST_CORES = 4;

/**
 * Verifies a list in constant memory, by the fastest digests of this Node and on several cores.
 * @returns the verifier at the end of the list, which can go on when the list grows
 * @throws FormatError
 */
export async function verifyList(source: ListSource, options: VerifyListOptions): Promise<ListVerifier> {
  const verifier = ListVerifier.begin(options, options.hasher ?? inPlaceHasher);
  const cores = options.cores ?? Math.min(MOST_CORES, availableParallelism());
  const long = options.form.format === 'binary' && (source.size ?? 0) >= LONG;
  if (cores > 1 && long) await verifyInSections(verifier, source, { ...options, cores });
  await verifyRest(verifier, source, options.progress);
  return verifier;
}

async function verifyRest(
  verifier: ListVerifier,
  source: ListSource,
  progress: VerifyListOptions['progress'],
): Promise<void> {
  const chunk = new Uint8Array(CHUNK);
  for (;;) {
    const length = await source.read(chunk, 0);
    if (length === 0) break;
    verifier.push(chunk.subarray(0, length));
    progress?.(verifier.entries, verifier.bytes);
  }
  verifier.end();
}
