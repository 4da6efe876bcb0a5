import { Problem } from '@assay/wire';
import { z } from 'zod';

/** The errors of every route. */
export const PROBLEMS = {
  default: { description: 'Problem', content: { 'application/problem+json': { schema: Problem } } },
};

/** Host id or name. */
export const HostParams = z.object({ id: z.string().min(1).max(64) });

export const BEARER = [{ bearer: [] }];
