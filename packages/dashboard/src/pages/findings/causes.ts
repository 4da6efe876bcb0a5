import type { Finding } from '@assay/wire';

/** Findings with one code that are about one thing, on whichever hosts. */
export interface Cause {
  /** Of the newest of them, whose page stands for all. */
  readonly id: string;
  readonly newest: Finding;
  readonly findings: readonly Finding[];
  readonly hosts: number;
  readonly firstSeen: string;
  /** How many of them somebody knows of. */
  readonly acknowledged: number;
}

export const causeKey = ({ code, evidence }: Finding): string =>
  JSON.stringify([code, evidence.digest, evidence.filenameHint]);

/** By cause, in the order in which they came: the newest first. */
export function causesOf(findings: readonly Finding[]): Cause[] {
  return [...Map.groupBy(findings, causeKey).values()].flatMap((group) => {
    const [newest] = group;
    if (newest === undefined) return [];
    return {
      id: newest.id,
      newest,
      findings: group,
      hosts: new Set(group.map(({ host }) => host.id)).size,
      firstSeen: group.reduce((first, { firstSeen }) => (firstSeen < first ? firstSeen : first), newest.firstSeen),
      acknowledged: group.filter(({ acknowledgement }) => acknowledgement !== null).length,
    };
  });
}
