import { listOf, sized, u32, type Codec } from '../codec.ts';
import { MAX_DIGEST } from '../constants.ts';
import { hashAlgorithm, type HashName } from '../../hash/index.ts';
import { hashId } from '../structures/algorithms.ts';
import { pcrSelections } from '../structures/pcr-selection.ts';
import { defineCommand } from './layout.ts';

/** Digests that one PCR_Read returns at most: the size of TPML_DIGEST. */
export const DIGESTS_PER_READ = 8;

/** Part 3, clause 22.4. */
export const pcrRead = defineCommand({
  name: 'PCR_Read',
  code: 0x17e,
  handles: {},
  authorizations: 0,
  parameters: { selection: pcrSelections },
  resultHandles: {},
  results: { updateCounter: u32, selection: pcrSelections, values: listOf(sized(MAX_DIGEST), DIGESTS_PER_READ) },
});

/** TPMT_HA: the digest has no size of its own. */
const hashValue: Codec<{ readonly algorithm: HashName; readonly digest: Uint8Array }> = {
  read(r, field) {
    const algorithm = hashId.read(r, `${field} hash`);
    return { algorithm, digest: r.take(hashAlgorithm(algorithm).size, field) };
  },
  write(w, value) {
    hashId.write(w, value.algorithm);
    w.bytes(value.digest);
  },
};

/** Part 3, clause 22.2. */
export const pcrExtend = defineCommand({
  name: 'PCR_Extend',
  code: 0x182,
  handles: { pcr: u32 },
  authorizations: 1,
  parameters: { digests: listOf(hashValue, 16) },
  resultHandles: {},
  results: {},
});
