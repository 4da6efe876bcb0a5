import type { HostDetail, HostLine, HostSummary, Measurement, Rung } from '@assay/wire';

interface Words {
  readonly title: string;
  readonly meaning: string;
}

export const TPM_WORDS: Readonly<Record<HostSummary['tpm']['kind'], Words>> = {
  hardware: {
    title: 'Hardware TPM',
    meaning: 'By the word of the agent, unless the maker of the TPM certified its key.',
  },
  software: { title: 'Software TPM', meaning: 'No hardware root of trust: who owns the host owns this TPM.' },
  simulated: { title: 'Simulated TPM', meaning: 'No hardware root of trust: a program plays the TPM.' },
};

export const TRUST_WORDS: Readonly<Record<HostSummary['tpm']['trust'], string>> = {
  'ak-certificate': 'Attestation key certified by the cloud of the machine',
  'ek-certificate': 'Key certified by the maker of the TPM',
  registered: 'Key registered before the host came',
  approved: 'Key approved when the host came',
  'first-use': 'Key trusted on first use',
};

/** The same where there is little room. */
export const TRUST_SHORT: Readonly<Record<HostSummary['tpm']['trust'], string>> = {
  'ak-certificate': 'certified AK',
  'ek-certificate': 'certified',
  registered: 'registered',
  approved: 'approved',
  'first-use': 'first use',
};

export const LIST_WORDS: Readonly<Record<HostSummary['list']['source'], Words>> = {
  kernel: { title: 'Kernel IMA', meaning: 'The kernel measures a file before it is used.' },
  engine: { title: 'Assay engine', meaning: 'Measured in user space: root can stop it, and that shows.' },
  simulated: { title: 'Simulated list', meaning: 'Made-up entries in the kernel’s format.' },
};

export const STATUS_WORDS: Readonly<Record<Measurement['status'], string>> = {
  known: 'Known',
  signed: 'Signed',
  excluded: 'Excluded',
  denied: 'Denied',
  unknown: 'Unknown',
  changed: 'Changed',
  violation: 'Violation',
  unjudged: 'Not judged',
  'boot-aggregate': 'Boot',
  'engine-record': 'Engine',
};

export const RUNG_STATE_WORDS: Readonly<Record<Rung['state'], string>> = {
  ok: 'Holds',
  warning: 'Weak',
  failed: 'Broken',
  waiting: 'Waiting',
};

export const captureCommand = (hostName: string): string => `assay reference capture --host ${hostName}`;

/** The policy that a host is under, by the rung that rests on it; undefined for what was captured, and for nothing. */
export const policyOf = ({ ladder }: Pick<HostDetail, 'ladder'>): string | undefined =>
  ladder.find(({ rung }) => rung === 'reference')?.facts.find(({ label }) => label === 'Policy')?.value;

/** What a host is compared with: `base@12`, `captured, version 3`. */
export function referenceWords(reference: HostLine['reference']): string {
  if (reference === null) return 'nothing yet';
  return reference.policy === null
    ? `captured, version ${reference.version}`
    : `${reference.policy}@${reference.version}`;
}
