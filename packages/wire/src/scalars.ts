import { z } from 'zod';

/** Standard base64 with padding; `bytes` is the most that it may decode to. */
export function base64(bytes: number): z.ZodString {
  return z
    .string()
    .max(Math.ceil(bytes / 3) * 4)
    .regex(/^[A-Za-z0-9+/]*={0,2}$/);
}

/** `sha256:<hex>`: a digest with its algorithm. */
export const Digest = z
  .string()
  .max(160)
  .regex(/^[a-z0-9-]+:[0-9a-f]+$/);

/** Lower-case hexadecimal. */
export const Hex = z
  .string()
  .max(256)
  .regex(/^([0-9a-f]{2})*$/);

/** RFC 3339, UTC. */
export const Time = z.iso.datetime();

/** A host is named by its operator; the name is also the path of its page. */
export const HostName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);

/** First 16 hexadecimal digits of the SHA-256 of the endorsement key's public area: it stays with the TPM. */
export const HostId = z.string().regex(/^[0-9a-f]{16}$/);
