import { choiceParam, textParam } from '../../state/search-params.ts';

/** Options of kernels that decide which rules they take: those of Debian, and what others add. */
export const OPTIONS = ['debian', 'selinux', 'smack', 'apparmor'] as const;

/** The state of the page of IMA policies, as it stands in its address. The text of the policy stays in this tab. */
export interface ImaPolicySearch {
  readonly kernel?: string | undefined;
  readonly options?: (typeof OPTIONS)[number] | undefined;
}

export function imaPolicySearch(raw: Record<string, unknown>): ImaPolicySearch {
  const kernel = textParam(raw, 'kernel');
  return {
    kernel: kernel !== undefined && /^\d{1,2}\.\d{1,3}$/.test(kernel) ? kernel : undefined,
    options: choiceParam(raw, 'options', OPTIONS),
  };
}
