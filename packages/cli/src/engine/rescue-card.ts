/**
 * What to do when a program that is needed is refused; printed before anything is.
 * @param pids of the process that ends all in order, and of the one that it supervises
 */
export function rescueCard(
  directory: string,
  pids: readonly number[],
  confirmWithin: number,
  mounts: readonly string[],
): string[] {
  const back =
    confirmWithin === 0
      ? 'Nothing brings it back to log by itself (--confirm-within 0).'
      : `In ${confirmWithin} seconds the mode is log again, unless you confirm: assay engine confirm --directory ${directory}`;
  return [
    `From now on programs on ${mounts.join(', ')} that fail appraisal get EPERM.`,
    back,
    `Let everything pass for ten minutes:  assay engine pause --for 10m --directory ${directory}`,
    `Without assay, from any shell:        kill ${pids[0]}   (kill -9 ${pids.join(' ')} if that does not help)`,
    'With the engine gone everything runs; it leaves nothing behind in the kernel.',
    `What was refused, and why:            tail ${directory}/audit.jsonl; journalctl -t assay-engine`,
    'Before the next time:                 assay policy simulate POLICY --root MOUNT --verify',
  ];
}
