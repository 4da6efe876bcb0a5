import type { CaptureReply, CaptureRequest } from '@assay/wire';
import type { Context } from '../context.ts';
import type { HostRow } from '../store/schema.ts';
export async function captureReferenceValues(_c: Context, _h: HostRow, _m: CaptureRequest): Promise<CaptureReply> {
  throw new Error('x');
}
