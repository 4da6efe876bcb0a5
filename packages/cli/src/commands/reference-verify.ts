import { nodeHasher, nodeMessageSignatures } from '@assay/core/node';
import {
  admitReference,
  referenceDigest,
  verifyBundledReference,
  verifySignedReference,
  type VerifiedReference,
} from '@assay/core/reference';
import { parseTrustedRoot, sigstoreCheck, type SigstoreTrust } from '@assay/verifier/policies';
import { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import { EXIT, UsageError } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { readReference, trustedKeys } from '../reference/files.ts';
import { VerifyOptions } from '../reference/options.ts';

type Options = z.infer<typeof VerifyOptions>;

const LARGEST = 512 * 1024 * 1024;
const LARGEST_BUNDLE = 16 * 1024 * 1024;

/** `assay reference verify FILE` */
export async function verifyReference(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(VerifyOptions, given);
  const verified = await verifiedBy(z.string().parse(file), options);
  const at = options.at === undefined ? new Date() : new Date(options.at);
  admitReference(verified, at, await inForce(options), nodeHasher);
  const { name, version, validUntil } = verified.document;
  const digest = referenceDigest(nodeHasher, verified);
  const document = { name, version, digest, signer: verified.signer, validUntil: validUntil ?? null };
  if (options.output === 'json') printJson({ schema: 'assay.reference-verify.v1', ...document });
  else process.stdout.write(`${name} version ${version} is signed by ${shown(verified.signer)}\n${digest}\n`);
  return EXIT.fine;
}

async function verifiedBy(path: string, options: Options): Promise<VerifiedReference> {
  const keys = await trustedKeys(options.publicKey);
  const bytes = Uint8Array.from(await boundedContent(path, LARGEST));
  if (options.bundle === undefined) {
    if (keys.length === 0) throw new UsageError('give --public-key, or --bundle with --trusted-root and --identity');
    return verifySignedReference(bytes, keys, nodeMessageSignatures);
  }
  const bundle = Uint8Array.from(await boundedContent(options.bundle, LARGEST_BUNDLE));
  return verifyBundledReference(bytes, bundle, sigstoreCheck({ keys, ...(await sigstoreTrust(options)) }));
}

async function sigstoreTrust({ identity, issuer, trustedRoot }: Options): Promise<Omit<SigstoreTrust, 'keys'>> {
  if ((identity === undefined) !== (issuer === undefined)) throw new UsageError('--identity and --issuer go together');
  const identities = identity === undefined || issuer === undefined ? [] : [{ subject: identity, issuer }];
  if (trustedRoot === undefined) return { identities };
  const root = parseTrustedRoot(Uint8Array.from(await boundedContent(trustedRoot, LARGEST_BUNDLE)));
  return { identities, root };
}

async function inForce({ inForce: path }: Options): Promise<{ version: number; digest: string } | undefined> {
  if (path === undefined) return undefined;
  const { reference } = await readReference(path);
  return { version: reference.document.version, digest: referenceDigest(nodeHasher, reference) };
}
