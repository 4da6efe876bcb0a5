import { SystemError } from '@assay/core/errors';
import { lockFile, makePrivateDirectory } from '@assay/linux/files';
import { agentFiles } from './options.ts';

/**
 * Takes the state directory of an agent for this process; it is made where it is missing.
 * @returns lets the next have it
 * @throws SystemError STATE-IN-USE when another agent works in it
 */
export async function holdState(state: string): Promise<() => void> {
  const { directory, lock } = agentFiles(state);
  makePrivateDirectory(directory);
  const release = lockFile(lock);
  if (release === undefined) throw new SystemError('STATE-IN-USE', `another agent works in ${directory}`);
  return release;
}
