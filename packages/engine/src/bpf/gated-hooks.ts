import type { DeciderSetup } from '../decision/setup.ts';
import { HOOKS, type GateHook } from './shared.ts';

/** Rules about these, or about everything, are about what is mapped for execution. */
const MAPPINGS: ReadonlySet<string | undefined> = new Set([undefined, 'MMAP_CHECK', 'MMAP_CHECK_REQPROT']);

/** Where the kernel is to ask: about mappings only where the policy has a rule about them, as else no verdict is about one. */
export function gatedHooks({ rules }: Pick<DeciderSetup, 'rules'>): GateHook[] {
  const isAsked = rules.some(({ rule }) => rule.action?.startsWith('dont_') === false && MAPPINGS.has(rule.func));
  return HOOKS.filter((hook) => isAsked || hook === 'bprm_check_security');
}
