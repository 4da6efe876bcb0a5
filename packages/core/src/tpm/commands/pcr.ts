import { hashAlgorithm, type HashName } from '../../hash/index.ts';
import { listOf, sized, u32, type Codec } from '../codec.ts';
import { MAX_DIGEST } from '../constants.ts';
import { hashId, yesNo } from '../structures/algorithms.ts';
import { pcrBanks, pcrSelections } from '../structures/pcr-selection.ts';
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
  read(r) {
    const algorithm = hashId.read(r, 'hashAlg');
    return { algorithm, digest: r.take(hashAlgorithm(algorithm).size, 'digest') };
  },
  write(w, value) {
    hashId.write(w, value.algorithm);
    w.bytes(value.digest);
  },
};

/** TPML_DIGEST_VALUES. */
const digestValues = listOf(hashValue, 16);

/** Part 3, clause 22.2. */
export const pcrExtend = defineCommand({
  name: 'PCR_Extend',
  code: 0x182,
  handles: { pcr: u32 },
  authorizations: 1,
  parameters: { digests: digestValues },
  resultHandles: {},
  results: {},
});

/** Part 3, clause 22.3: the TPM computes the digests. */
export const pcrEvent = defineCommand({
  name: 'PCR_Event',
  code: 0x13c,
  handles: { pcr: u32 },
  authorizations: 1,
  parameters: { eventData: sized(1024) },
  resultHandles: {},
  results: { digests: digestValues },
});

/** Part 3, clause 22.5: which banks are active after the next TPM Reset. */
export const pcrAllocate = defineCommand({
  name: 'PCR_Allocate',
  code: 0x12b,
  handles: { authHandle: u32 },
  authorizations: 1,
  parameters: { allocation: pcrBanks },
  resultHandles: {},
  results: { allocationSuccess: yesNo, maxPcr: u32, sizeNeeded: u32, sizeAvailable: u32 },
});

/** Part 3, clause 22.8. */
export const pcrReset = defineCommand({
  name: 'PCR_Reset',
  code: 0x13d,
  handles: { pcr: u32 },
  authorizations: 1,
  parameters: {},
  resultHandles: {},
  results: {},
});
