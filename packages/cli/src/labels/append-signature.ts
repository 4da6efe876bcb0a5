import { concat } from '@assay/core/bytes';
import { encodeSignedData, parseSignedData, type SignedDataParameters, type SignerCertificate } from '@assay/core/cms';
import { encodeModsig, findModsig, verifyModsig } from '@assay/core/label';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { replaceFile } from '@assay/linux/files';
import type { SigningKey } from '@assay/linux/labels';
import { openSigner } from '@assay/linux/signers';
import { boundedContent } from '../bounded-file.ts';

/** Kernels and modules are smaller; an initramfs may be as large. */
const LARGEST_FILE = 1024 * 1024 * 1024;

interface Parameters {
  readonly certificate: SignerCertificate;
  readonly hash: SignedDataParameters['hash'];
  readonly dryRun: boolean;
}

/**
 * Signs the content of a file and puts the signature behind it, in place of one that is there. The file is replaced, so that
 * a crash leaves the old one or the new one.
 * @returns bytes of the content, and of what stands behind it now
 * @throws VerificationError IMA-SIG-INVALID where the signer's key is not that of the certificate; FormatError MODSIG-FORM;
 *   SystemError SIGNER-FAILED
 */
export async function appendSignature(
  path: string,
  { source }: Pick<SigningKey, 'source'>,
  { certificate, hash, dryRun }: Parameters,
): Promise<{ readonly contentSize: number; readonly appended: number }> {
  const file = await boundedContent(path, LARGEST_FILE);
  const content = file.subarray(0, findModsig(file, file.length)?.contentSize);
  const digest = { algorithm: hash, value: nodeHasher.digest(hash, content) } as const;
  const signature = await openSigner(source).sign(hash, digest.value);
  const signed = encodeSignedData({ certificate, hash, signature });
  verifyModsig(parseSignedData(signed), digest, [certificate], nodeCrypto);
  const modsig = encodeModsig(signed);
  if (!dryRun) await replaceFile(path, concat([content, modsig]));
  return { contentSize: content.length, appended: modsig.length };
}
