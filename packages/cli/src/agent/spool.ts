import type { AgentStatus } from '@assay/agent';

/** What is said of a spool. */
export function spoolSentence(spool: NonNullable<AgentStatus['spool']>): string {
  if (spool.state === 'keeping') return 'keeps what is read until the verifier has it';
  const what = spool.state === 'full' ? `full, with ${spool.limit} bytes` : `fails, ${spool.reason}`;
  return `${what}: what is new is in the list of the kernel alone, and lost where that is trimmed`;
}
