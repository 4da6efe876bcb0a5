import type { EvidenceMessage, EvidenceReply } from '@assay/wire';
import type { Context } from '../context.ts';
import type { HostRow } from '../store/schema.ts';
export async function runRound(_c: Context, _h: HostRow, _m: EvidenceMessage): Promise<EvidenceReply> {
  throw new Error('x');
}
