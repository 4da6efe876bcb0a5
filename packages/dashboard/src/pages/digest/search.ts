import { textParam } from '../../state/search-params.ts';

/** The state of the page that asks for digests, as it stands in its address. */
export interface DigestsSearch {
  /** Digests with commas between them, of few; a longer list stays on the page. */
  readonly list?: string | undefined;
}

export function digestsSearch(raw: Record<string, unknown>): DigestsSearch {
  return { list: textParam(raw, 'list') };
}
