/** What the verifier's process has used. */
export interface Usage {
  /** Microseconds of all threads since the start, before that collection and after it. */
  readonly cpuBefore: number;
  readonly cpu: number;
  /** Bytes after a collection of garbage. */
  readonly memory: number;
}

/** The answer of the verifier's process. */
export function usageIn(message: unknown): Usage {
  if (typeof message !== 'object' || message === null) throw new Error('the verifier did not say what it used');
  const { cpuBefore, cpu, memory } = { cpuBefore: 0, cpu: 0, memory: 0, ...message };
  return { cpuBefore, cpu, memory };
}
