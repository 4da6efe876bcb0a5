import { utf8 } from '@assay/core/bytes';
import { looksLikeEnvelope } from '@assay/core/dsse';
import { nodeHasher, nodeMessageSignatures } from '@assay/core/node';
import {
  checkedReference,
  parseReference,
  referenceDigest,
  verifySignedReference,
  type ParsedReference,
  type ReferenceDocument,
} from '@assay/core/reference';
import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { compiledReference } from '../hosts/references.ts';
import { RequestProblem } from '../problem.ts';
import { noteChanges } from './changes.ts';
import { keyDigest, signedBy, type PolicySigner, type PolicyTrust } from './signers.ts';
import { refuseManaged } from './source/managed.ts';
import { lockWork } from '../store/locks.ts';
import { insertPolicy, newestPolicy, policyOf, signPolicy } from '../store/policies.ts';
import type { Database, PolicyRow } from '../store/schema.ts';

/** What was pushed: read, and verified where it is an envelope. */
export interface Pushed {
  readonly reference: Pick<ParsedReference, 'document' | 'canonical'>;
  /** Empty where it is no envelope. */
  readonly signers: readonly PolicySigner[];
}

/**
 * @param text reference values, or a DSSE envelope that holds them
 * @throws VerificationError POLICY-SIGNATURE; FormatError
 */
export function readPushed(text: string, { keys }: Pick<PolicyTrust, 'keys'>): Pushed {
  const bytes = utf8(text);
  const signed = isEnvelope(text) ? verifySignedReference(bytes, keys, nodeMessageSignatures) : undefined;
  if (signed === undefined) return { reference: parseReference(bytes), signers: [] };
  return { reference: signed, signers: signed.signers.map((key) => ({ name: key.name, key: keyDigest(key) })) };
}

/**
 * Stores a version, which does not bring it into force. The same content again may bring its signature.
 * @throws VerificationError POLICY-SIGNATURE; FormatError; RequestProblem POLICY-ROLLBACK, POLICY-MANAGED
 */
export async function pushPolicy(
  context: Context,
  by: Principal,
  text: string,
  trust: PolicyTrust,
): Promise<PolicyRow> {
  const pushed = readPushed(text, trust);
  return context.database.transaction().execute(async (db) => {
    await refuseManaged(db, pushed.reference.document.name);
    return storeVersion(db, context, by, pushed);
  });
}

export function isEnvelope(text: string): boolean {
  try {
    return looksLikeEnvelope(JSON.parse(text));
  } catch {
    return false;
  }
}

/** @param version with the commit of the source that it comes from. @throws RequestProblem POLICY-ROLLBACK */
export async function storeVersion(
  db: Database,
  context: Context,
  by: Principal,
  { reference, signers, commit = null }: Pushed & { readonly commit?: string | null },
): Promise<PolicyRow> {
  const { name, version } = reference.document;
  const digest = referenceDigest(nodeHasher, reference);
  await lockWork(db, 'policies');
  const known = await policyOf(db, name, version);
  if (known !== undefined && known.digest !== digest) {
    throw new RequestProblem(
      'POLICY-ROLLBACK',
      `Version ${version} of ${name} is there already, with another content.`,
    );
  }
  const values = compiledReference(reference.document);
  const at = context.now().toISOString();
  const row = known ?? {
    name,
    version,
    digest,
    document: reference.canonical,
    digests: values.size,
    signer: null,
    signer_key: null,
    signers: '[]',
    pushed_by: by.name,
    pushed_at: at,
    commit_id: commit,
  };
  const now = { ...row, ...signedBy(row, signers) };
  // What is read from a source again and again is one act.
  if (known !== undefined && now.signers === known.signers && commit !== null) return known;
  if (known === undefined) {
    await insertPolicy(db, now);
    await noteChanges(db, reference.document);
  } else await signPolicy(db, now);
  await audit(db, context, {
    actor: by.name,
    action: 'policy.push',
    subject: `${name}@${version}`,
    detail: { digest, signer: now.signer, ...(commit === null ? {} : { commit }) },
  });
  return now;
}

/** A version that was made of another one. */
export interface Proposed {
  readonly row: PolicyRow;
  /** The version that it was made of. */
  readonly base: number;
}

/** Stores the version after the newest one, made of it by `change`; nobody has signed it. */
export async function proposePolicy(
  db: Database,
  context: Context,
  by: Principal,
  name: string,
  change: (document: ReferenceDocument) => ReferenceDocument,
): Promise<Proposed> {
  await refuseManaged(db, name);
  await lockWork(db, 'policies');
  const newest = await newestPolicy(db, name);
  if (newest === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `There is no policy ${name}.`);
  const { document } = parseReference(newest.document);
  const created = context.now().toISOString();
  const reference = checkedReference(change({ ...document, version: newest.version + 1, created }));
  return { row: await storeVersion(db, context, by, { reference, signers: [] }), base: newest.version };
}
