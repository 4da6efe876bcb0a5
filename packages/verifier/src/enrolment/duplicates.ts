import { RequestProblem } from '../problem.ts';
import { hostById, hostByName } from '../store/hosts.ts';
import type { Database } from '../store/schema.ts';

/**
 * One name, one endorsement key: another key under a known name may be another machine that wants to speak for this
 * one, and one key under two names is a copied TPM state.
 * @throws RequestProblem HOST-DUPLICATE
 */
export async function refuseDuplicate(db: Database, host: string, name: string): Promise<void> {
  const named = await hostByName(db, name);
  if (named !== undefined && named.id !== host) {
    throw new RequestProblem(
      'HOST-DUPLICATE',
      `The name ${name} belongs to host ${named.id}, which has another endorsement key. Enrol this machine under ` +
        'another name; if the TPM of that host was replaced, that is another machine to a verifier.',
    );
  }
  const known = await hostById(db, host);
  if (known !== undefined && known.name !== name) {
    throw new RequestProblem(
      'HOST-DUPLICATE',
      `This endorsement key is enrolled already, as ${known.name}. Enrol under that name; if this is another ` +
        'machine, it runs on a copy of that TPM state and needs a TPM of its own.',
    );
  }
}
