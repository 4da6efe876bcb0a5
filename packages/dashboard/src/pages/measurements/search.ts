import { choiceParam, numberParam, textParam } from '../../state/search-params.ts';

export const ORDERS = ['rare', 'common'] as const;

/** The state of the page of measurements, as it stands in its address. */
export interface MeasurementsSearch {
  readonly q?: string | undefined;
  /** Default the rarest first. */
  readonly order?: (typeof ORDERS)[number] | undefined;
  /** On no more hosts than these. */
  readonly most?: number | undefined;
}

export function measurementsSearch(raw: Record<string, unknown>): MeasurementsSearch {
  return { q: textParam(raw, 'q'), order: choiceParam(raw, 'order', ORDERS), most: numberParam(raw, 'most') };
}
