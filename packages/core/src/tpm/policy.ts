import { ByteWriter } from '../bytes/index.ts';
import { hashAlgorithm, type Hasher, type HashName } from '../hash/index.ts';
import {
  policyAuthorize,
  policyAuthorizeNv,
  policyAuthValue,
  policyCommandCode,
  policyDuplicationSelect,
  policyLocality,
  policyNv,
  policyNvWritten,
  policyOr,
  policyPcr,
  policySecret,
  policySigned,
} from './commands/policy.ts';
import { pcrComposite, type BankValues } from './composite.ts';
import { encodePcrSelections, type PcrSelection } from './structures/pcr-selection.ts';

/** One assertion of a policy: what must hold when an object is used (TPM 2.0 Part 1, clause 19.7). */
export type PolicyStep =
  /** The PCRs have these values. */
  | { readonly kind: 'pcr'; readonly selection: readonly PcrSelection[]; readonly values: BankValues }
  /** The password of an entity is given: of a hierarchy, whose name is its handle in four bytes, or of an object. */
  | { readonly kind: 'secret'; readonly entity: Uint8Array; readonly policyRef?: Uint8Array }
  /** A key signed the use. */
  | { readonly kind: 'signed'; readonly key: Uint8Array; readonly policyRef?: Uint8Array }
  /** The password of the object is proved by an HMAC, or given. */
  | { readonly kind: 'auth-value' | 'password' }
  /** The object is used in this command only. */
  | { readonly kind: 'command'; readonly code: number }
  /** TPMA_LOCALITY. */
  | { readonly kind: 'locality'; readonly locality: number }
  /** One of these policies holds. */
  | { readonly kind: 'or'; readonly branches: readonly Uint8Array[] }
  /** A policy holds that this key signed; replaces all before it. */
  | { readonly kind: 'authorize'; readonly key: Uint8Array; readonly policyRef?: Uint8Array }
  /** The policy in this NV index holds; replaces all before it. */
  | { readonly kind: 'authorize-nv'; readonly index: Uint8Array }
  /** The content of an NV index compares so. operation: TPM_EO */
  | {
      readonly kind: 'nv';
      readonly index: Uint8Array;
      readonly operandB: Uint8Array;
      readonly offset: number;
      readonly operation: number;
    }
  | { readonly kind: 'nv-written'; readonly written: boolean }
  /** The object may be duplicated to this parent only. */
  | { readonly kind: 'duplication'; readonly object: Uint8Array | null; readonly newParent: Uint8Array };

const NONE: Uint8Array = new Uint8Array(0);

/**
 * The digest that a TPM computes for a policy, without one (TPM 2.0 Part 3, clause 23). Keys, indices and entities are
 * given by their names.
 * @param hash name algorithm of the object
 * @throws FormatError TPM-STRUCTURE for a PCR that no TPM has
 * @throws VerificationError QUOTE-PCR-DIGEST where a selected PCR has no value
 */
export function policyDigest(hasher: Hasher, hash: HashName, steps: readonly PolicyStep[]): Uint8Array {
  const zero = new Uint8Array(hashAlgorithm(hash).size);
  return steps.reduce<Uint8Array>((digest, step) => extended(hasher, hash, digest, step), zero);
}

/** What a step adds to the digest. */
interface Addition {
  readonly command: { readonly code: number };
  readonly parts: readonly Uint8Array[];
  /** Taken in by a second digest, even where it is empty: PolicyUpdate() (clause 23.2.3). */
  readonly policyRef?: Uint8Array;
  /** Nothing of the steps before is left. */
  readonly replaces?: true;
}

function extended(hasher: Hasher, hash: HashName, old: Uint8Array, step: PolicyStep): Uint8Array {
  const { command, parts, policyRef, replaces } = additionOf(hasher, hash, step);
  const before = replaces === true ? new Uint8Array(old.length) : old;
  const digest = hasher.digest(hash, before, number32(command.code), ...parts);
  return policyRef === undefined ? digest : hasher.digest(hash, digest, policyRef);
}

function additionOf(hasher: Hasher, hash: HashName, step: PolicyStep): Addition {
  switch (step.kind) {
    case 'pcr': {
      const pcrDigest = pcrComposite(hasher, hash, step.selection, step.values);
      return { command: policyPcr, parts: [encodePcrSelections(step.selection), pcrDigest] };
    }
    case 'secret':
      return approval(policySecret, step.entity, step.policyRef);
    case 'signed':
      return approval(policySigned, step.key, step.policyRef);
    case 'auth-value':
    case 'password':
      return { command: policyAuthValue, parts: [] }; // The same, so that either can be used (clause 23.18).
    case 'command':
      return { command: policyCommandCode, parts: [number32(step.code)] };
    case 'locality':
      return { command: policyLocality, parts: [Uint8Array.of(step.locality)] };
    case 'or':
      return { command: policyOr, parts: step.branches, replaces: true };
    case 'authorize':
      return { ...approval(policyAuthorize, step.key, step.policyRef), replaces: true };
    case 'authorize-nv':
      return { command: policyAuthorizeNv, parts: [step.index], replaces: true };
    case 'nv':
      return { command: policyNv, parts: [comparison(hasher, hash, step), step.index] };
    case 'nv-written':
      return { command: policyNvWritten, parts: [flag(step.written)] };
    case 'duplication':
      return {
        command: policyDuplicationSelect,
        parts: [step.object ?? NONE, step.newParent, flag(step.object !== null)],
      };
  }
}

function approval(command: Addition['command'], name: Uint8Array, policyRef = NONE): Addition {
  return { command, parts: [name], policyRef };
}

/** The argument of PolicyNV (clause 23.9). */
function comparison(hasher: Hasher, hash: HashName, step: Extract<PolicyStep, { readonly kind: 'nv' }>): Uint8Array {
  const where = new ByteWriter().u16(step.offset).u16(step.operation).finish();
  return hasher.digest(hash, step.operandB, where);
}

function flag(value: boolean): Uint8Array {
  return Uint8Array.of(value ? 1 : 0);
}

function number32(value: number): Uint8Array {
  return new ByteWriter().u32(value).finish();
}
