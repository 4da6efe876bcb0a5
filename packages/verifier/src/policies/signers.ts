import { toHex } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import type { TrustedKey } from '@assay/core/reference';
import { z } from 'zod';
import { RequestProblem } from '../problem.ts';
import type { PolicyRow } from '../store/schema.ts';

/** Whose signatures make reference values trusted. */
export interface PolicyTrust {
  /** None: nothing needs a signature. */
  readonly keys: readonly TrustedKey[];
  /** How many of them must have signed what comes into force. */
  readonly required: number;
}

const Signer = z.object({
  /** For people. */
  name: z.string(),
  /** `sha256:` and the digest of the SubjectPublicKeyInfo of the key; null for what was signed before it was kept. */
  key: z.string().nullable(),
});
export type PolicySigner = z.infer<typeof Signer>;
const Signers = z.array(Signer);

type Signed = Pick<PolicyRow, 'signer' | 'signer_key' | 'signers'>;

/** Who signed a version whom the verifier trusted then. */
export function signersIn({ signer, signer_key: key, signers }: Signed): PolicySigner[] {
  const all = Signers.parse(JSON.parse(signers));
  return all.length === 0 && signer !== null ? [{ name: signer, key }] : all;
}

export function keyDigest({ spki }: Pick<TrustedKey, 'spki'>): string {
  return `sha256:${toHex(nodeHasher.digest('sha256', spki))}`;
}

/** A version with the signatures that it has and those that were brought: each key once, by what it is called now. */
export function signedBy(row: Signed, brought: readonly PolicySigner[]): Signed {
  if (brought.length === 0) return { signer: row.signer, signer_key: row.signer_key, signers: row.signers };
  const keys = new Set(brought.map(({ key }) => key));
  const kept = signersIn(row).filter(({ key }) => key !== null && !keys.has(key));
  const all = [...kept, ...brought];
  return {
    signer: all.map(({ name }) => name).join(', '),
    signer_key: all[0]?.key ?? null,
    signers: JSON.stringify(all),
  };
}

/**
 * That as many have signed as the verifier wants, by keys that it trusts now.
 * @throws RequestProblem POLICY-UNSIGNED
 */
export function requireSigners(row: PolicyRow, { keys, required }: PolicyTrust): void {
  if (keys.length === 0) return;
  const trusted = new Set<string | null>(keys.map(keyDigest));
  const counted = signersIn(row).filter(({ key }) => key === null || trusted.has(key));
  if (counted.length >= required) return;
  const what = `version ${row.version} of ${row.name}`;
  const who = counted.map(({ name }) => name).join(', ');
  throw new RequestProblem(
    'POLICY-UNSIGNED',
    counted.length === 0
      ? `Nobody whom this verifier trusts signed ${what}.`
      : `This verifier wants ${required} of its keys to have signed ${what}; signed it have ${counted.length}: ${who}.`,
  );
}
