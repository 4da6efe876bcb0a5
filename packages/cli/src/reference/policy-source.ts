import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { VerifierOptions } from '@assay/verifier';
import { directorySource, gitSource } from '@assay/verifier/policies';
import { z } from 'zod';
import { UsageError } from '../exit.ts';

export const PolicySourceOptions = {
  policiesFrom: z.string().min(1, 'names no source').optional(),
  policiesBranch: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$/, 'is no name of a branch'),
  policiesSigners: z.string().min(1, 'names no file').optional(),
  policiesEvery: z.int().min(1).max(86_400),
};

interface Given {
  readonly policiesFrom?: string | undefined;
  readonly policiesBranch: string;
  readonly policiesSigners?: string | undefined;
  readonly policiesEvery: number;
  readonly policyKey: readonly string[];
}

/** Addresses as git has them, but for those that run a program. */
const ADDRESS = /^(?:(?:https?|ssh|git|file):\/\/.|[\w.-]+@[\w.-]+:.)/;

/** @param state directory in which a copy of the repository is kept. @throws UsageError */
export function policySourceFrom(given: Given, state: string): VerifierOptions['policySource'] {
  const { policiesFrom: from, policiesBranch: branch, policiesEvery: seconds } = given;
  const signers = given.policiesSigners === undefined ? undefined : resolve(given.policiesSigners);
  if (from === undefined) {
    if (signers !== undefined) throw new UsageError('--policies-signers is for --policies-from');
    return undefined;
  }
  if (from === 'none') return 'none';
  if (signers !== undefined && !existsSync(signers)) throw new UsageError(`there is no file ${signers}`);
  const cache = join(resolve(state), 'policies.git');
  if (ADDRESS.test(from)) {
    // Whoever is between the verifier and the repository could say what is good.
    if (signers === undefined && given.policyKey.length === 0) {
      throw new UsageError(
        'policies from an address need --policies-signers or --policy-key: the transport is not believed',
      );
    }
    return { source: gitSource({ origin: from, branch, cache, signers }), seconds };
  }
  if (!statSync(from, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`${from} is no directory, no Git repository and no address of one`);
  }
  const directory = resolve(from);
  if (isRepository(directory)) return { source: gitSource({ origin: directory, branch, cache, signers }), seconds };
  if (signers !== undefined) throw new UsageError(`${from} is no Git repository, so there are no commits to check`);
  return { source: directorySource(directory), seconds };
}

function isRepository(directory: string): boolean {
  return (
    existsSync(join(directory, '.git')) ||
    (existsSync(join(directory, 'HEAD')) && existsSync(join(directory, 'objects')))
  );
}
