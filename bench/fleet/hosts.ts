import { randomBytes } from 'node:crypto';
import { fromBase64, toHex } from '@assay/core/bytes';
import type { SimulatedHost } from '@assay/testkit/evidence';
import { firstRound, insertHost, newToken, openStore, saveRounds, tokenDigest } from '@assay/verifier/fill';

/** An enrolled host, and what answers for its TPM: several hosts may have one machine, which only saves keys. */
export interface FleetHost {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly machine: number;
}

const AT_ONCE = 500;

/** Enrols hosts by writing them into the store: what is measured begins with their first round. */
export async function enrolled(
  store: string,
  machines: readonly SimulatedHost[],
  count: number,
  prefix = 'host',
): Promise<FleetHost[]> {
  const database = await openStore(store);
  const requests = await Promise.all(machines.map((machine) => machine.enrolRequest()));
  const now = new Date().toISOString();
  const hosts: FleetHost[] = [];
  while (hosts.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - hosts.length) }, (_, index) => ({
      id: toHex(randomBytes(8)),
      name: `${prefix}-${hosts.length + index}`,
      token: newToken(),
      machine: (hosts.length + index) % machines.length,
    }));
    await database.transaction().execute(async (db) => {
      for (const { id, name, token, machine } of some) {
        const request = requests[machine];
        if (request === undefined) throw new Error('there is no such machine');
        await insertHost(db, {
          id,
          name,
          ek_public: fromBase64(request.ekPublic),
          ak_public: fromBase64(request.akPublic),
          token_digest: tokenDigest(token),
          enrolled_at: now,
          ak_since: now,
          tpm_kind: 'simulated',
          list_source: 'simulated',
          kernel: request.facts.kernel,
          verdict: 'pending',
          sentence: '',
          verdict_since: now,
          boot: null,
          reference_version: null,
        });
      }
      await saveRounds(
        db,
        some.map(({ id }) => firstRound(id)),
      );
    });
    hosts.push(...some);
  }
  await database.destroy();
  return hosts;
}
