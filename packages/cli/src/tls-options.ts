import type { VerifierOptions } from '@assay/verifier';
import { z } from 'zod';
import { boundedContent } from './bounded-file.ts';
import { UsageError } from './exit.ts';
import { openAuthority, serverCertificate } from './up/authority.ts';

/** Options by which a verifier listens with TLS. */
export const TlsOptions = z.object({
  tlsCert: z.string().min(1, 'names no file').optional(),
  tlsKey: z.string().min(1, 'names no file').optional(),
  tlsName: z
    .array(z.union([z.ipv4(), z.ipv6(), z.hostname()], 'takes the name or the address of a server'))
    .default([]),
});
type TlsOptions = z.infer<typeof TlsOptions>;

const PEM_LIMIT = 256 * 1024;

/**
 * What the verifier listens with; undefined without any of the options.
 * @throws UsageError where they do not go together
 */
export async function tlsFrom(options: TlsOptions, directory: string): Promise<VerifierOptions['tls']> {
  const { tlsCert, tlsKey, tlsName } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw new UsageError('give --tls-cert and --tls-key');
  if (tlsCert === undefined || tlsKey === undefined) {
    if (tlsName.length === 0) return undefined;
    const own = await openAuthority(directory);
    return { ...(await serverCertificate(own, tlsName)), hostAuthority: own };
  }
  if (tlsName.length > 0) throw new UsageError('--tls-name is for a certificate of the verifier\u2019s own authority');
  const [certificate, key] = await Promise.all([tlsCert, tlsKey].map((path) => boundedContent(path, PEM_LIMIT)));
  const texts = { certificate: String(certificate), key: String(key) };
  return { ...texts, hostAuthority: await openAuthority(directory) };
}
