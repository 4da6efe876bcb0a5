import { z } from 'zod';

/** Options that say which kernel is asked. */
export const KernelOptions = z.object({
  kernel: z.string().optional(),
  config: z.string().min(1, 'takes debian or a file').optional(),
  secureBoot: z.boolean().default(false),
});
