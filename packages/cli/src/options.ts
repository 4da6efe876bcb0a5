import { z } from 'zod';

/** Options as the command line has them; each command takes those it declared. */
export const OutputOptions = z.object({ output: z.enum(['text', 'json']) });
export const ConnectOptions = OutputOptions.extend({ url: z.url(), state: z.string().min(1) });
export const BankOptions = OutputOptions.extend({ bank: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).optional() });
