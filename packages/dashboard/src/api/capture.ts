import type { CaptureReply } from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { requestDocument } from './documents.ts';

/** Makes what the host's list holds now its reference values. Needs the operator's token. */
export function captureReferenceValues(hostId: string): Promise<CaptureReply> {
  return requestDocument<CaptureReply>(route(ROUTES.captures, hostId), 'assay.reference-capture.v1', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
}
