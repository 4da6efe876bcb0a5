import { SystemError } from '@assay/core/errors';
import { askEngine } from '@assay/engine/control';
import { statusIn, type ShownAudit } from './status.ts';

/**
 * What the engine of a directory remembers of a file, the oldest first; nothing where none answers.
 * @param path escaped, as records have it
 */
export async function seenAudits(directory: string, path: string): Promise<ShownAudit[]> {
  try {
    const { audits } = statusIn(await askEngine(directory, { command: 'status' }));
    return audits.filter((audit) => audit.path === path);
  } catch (error) {
    if (error instanceof SystemError) return [];
    throw error;
  }
}
