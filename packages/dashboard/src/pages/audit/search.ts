import { numberParam, textParam } from '../../state/search-params.ts';

/** The state of the page of the audit log, as it stands in its address. */
export interface AuditSearch {
  readonly q?: string | undefined;
  /** The entry whose detail is shown. */
  readonly entry?: number | undefined;
}

export function auditSearch(raw: Record<string, unknown>): AuditSearch {
  return { q: textParam(raw, 'q'), entry: numberParam(raw, 'entry') };
}
