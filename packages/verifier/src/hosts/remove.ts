import { audit } from '../access/audit.ts';
import type { Principal } from '../access/tokens.ts';
import type { Context } from '../context.ts';
import { transact } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { hostById } from '../store/hosts.ts';
import { deleteHost } from '../store/removal.ts';
import { lockRounds } from '../store/rounds.ts';
import type { HostRow } from '../store/schema.ts';

/** Removes a host that is no more, and what is known of it: its token, evidence, findings and reference values. */
export async function removeHost(context: Context, by: Principal, { id, name }: HostRow): Promise<void> {
  await transact(context, async (db) => {
    await lockRounds(db, [id]);
    if ((await hostById(db, id)) === undefined) {
      throw new RequestProblem('REQUEST-NOT-FOUND', `${name} was removed already.`);
    }
    const enrolments = await deleteHost(db, id);
    await audit(db, context, { actor: by.name, action: 'host.remove', subject: name, detail: { host: id } });
    return {
      result: undefined,
      changes: [{ type: 'host', host: id }, ...enrolments.map((seq) => ({ type: 'enrolment' as const, seq }))],
    };
  });
  context.log(`${name} (${id}) removed by ${by.name}`);
}
