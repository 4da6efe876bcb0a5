import type { HashName } from '@assay/core/hash';
import type { ComputedDigest, LabelKey } from '@assay/core/label';
import type { MetadataForm } from '@assay/core/evm';
import type { VerityParameters } from '@assay/core/verity';
import type { PublicKey } from '@assay/core/keys';
import type { InodeFacts } from '../files/index.ts';
import type { SignerSource } from '../signers/index.ts';

interface Writing {
  /** Say what would be written, and write nothing. */
  readonly dryRun: boolean;
}

export interface SigningKey {
  readonly source: SignerSource;
  readonly keyId: number;
  /** With it a right signature that is there already is recognised, and a wrong one of the signer refused. */
  readonly publicKey?: PublicKey;
  readonly algorithm: HashName;
  readonly version: 2 | 3;
}

type Bound = Extract<MetadataForm, { form: 'bound' }>;

/** The UUID is that of the file system where it is `auto`. */
export type MetadataChoice =
  | (Omit<Bound, 'fsUuid'> & { readonly fsUuid: Uint8Array | null | 'auto' })
  | Exclude<MetadataForm, Bound>;

export type BoundChoice = Extract<MetadataChoice, { form: 'bound' }>;

/** What is done to each file: plain data, so that threads can be given it. */
export type LabelJob =
  | ({ readonly kind: 'hash'; readonly algorithm: HashName; readonly replaceSignatures: boolean } & Writing)
  /** With `verity`: type 6, over the fs-verity digest with these parameters where it is not enabled yet. */
  | ({ readonly kind: 'sign'; readonly key: SigningKey; readonly verity?: VerityParameters } & Writing)
  | { readonly kind: 'verify'; readonly keys: readonly LabelKey[]; readonly verity: VerityParameters }
  | ({ readonly kind: 'evm-hmac'; readonly key: Uint8Array; readonly form: BoundChoice } & Writing)
  | ({ readonly kind: 'evm-sign'; readonly key: SigningKey; readonly form: MetadataChoice } & Writing)
  | {
      readonly kind: 'evm-verify';
      readonly keys: readonly LabelKey[];
      readonly hmacKey?: Uint8Array;
      readonly bound: BoundChoice;
      readonly portable: Extract<MetadataForm, { form: 'portable' }>;
    }
  /** Everything that a baseline keeps of it. */
  | { readonly kind: 'describe'; readonly algorithm: HashName }
  | { readonly kind: 'verity-digest'; readonly parameters: VerityParameters }
  | ({ readonly kind: 'verity-enable'; readonly parameters: VerityParameters } & Writing);

/**
 * changed: written. unchanged: was right already. would-change: dry run. kept: left as it is on purpose. right and wrong:
 * verified. computed: nothing to write or verify. failed: could not be done.
 */
export type LabelState = 'changed' | 'unchanged' | 'would-change' | 'kept' | 'right' | 'wrong' | 'computed' | 'failed';

export interface LabelResult {
  readonly state: LabelState;
  /** The value that the file has now, would have, or that was verified. */
  readonly label?: Uint8Array;
  /** What was computed of the file. */
  readonly digest?: ComputedDigest;
  /** Of the same moment as the digest, for `describe`. */
  readonly inode?: InodeFacts;
  /** Code of docs/codes.md, or of a system call, for `wrong`, `failed` and `kept`. */
  readonly code?: string;
  readonly message?: string;
}
