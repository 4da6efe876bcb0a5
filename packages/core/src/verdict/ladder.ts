import type { FindingCode } from '../errors/index.ts';
import type { OpenFinding } from './verdict.ts';

export type RungName = 'ek' | 'ak' | 'quote' | 'pcr' | 'list' | 'reference' | 'signer';
export type RungState = 'ok' | 'warning' | 'failed' | 'waiting';

export interface Rung {
  readonly rung: RungName;
  readonly title: string;
  readonly state: RungState;
  readonly sentence: string;
  readonly facts: readonly { readonly label: string; readonly value: string }[];
}

export interface LadderFacts {
  readonly tpmKind: 'hardware' | 'software' | 'simulated';
  /** SHA-256 of the EK's public area and name of the AK, hexadecimal. */
  readonly ekDigest: string;
  readonly akName: string;
  /** Since when it is the host's, and who asked for another one that has not come yet. */
  readonly akSince: Date;
  readonly akRenewal: Act | null;
  /** Who vouches for the attestation key by a certificate that verified, and which machine it names; null where nobody does. */
  readonly akCertificate: {
    readonly authority: string;
    /** Empty where the certificate has no name, as older ones of Google. */
    readonly subject: string;
    readonly instance?:
      | {
          readonly zone: string;
          readonly projectId: string;
          readonly instanceId: string;
          readonly instanceName: string;
        }
      | undefined;
  } | null;
  readonly enrolledAt: Date;
  /** Who vouches for the endorsement key by a certificate that verified; null where nobody does. */
  readonly endorsement: {
    readonly authority: string;
    readonly maker?: string | undefined;
    readonly model?: string | undefined;
  } | null;
  /** Who let the key in, before or when it came; null where nobody was asked. */
  readonly admission: {
    readonly how: 'registered' | 'approved';
    readonly by: string;
    readonly at: Date;
  } | null;
  /** What the newest verified quote says; null before the first. */
  readonly quote: {
    readonly at: Date;
    readonly resetCount: number;
    readonly restartCount: number;
    /** Milliseconds. */
    readonly clock: bigint;
    /** Value of PCR 10 in the SHA-256 bank, hexadecimal. */
    readonly pcr: string;
  } | null;
  readonly stale: boolean;
  readonly entries: number;
  readonly violations: number;
  readonly reference: { readonly version: number; readonly digests: number; readonly capturedAt: Date } | null;
  /** Who answers for the reference values; null where there are none. */
  readonly authority: ReferenceAuthority | null;
  readonly openFindings: readonly OpenFinding[];
}

interface Act {
  readonly by: string;
  readonly at: Date;
}

/** Who says that reference values are good: those of a policy, or those that were captured from the host itself. */
export type ReferenceAuthority =
  | {
      readonly kind: 'policy';
      readonly name: string;
      /** Of the canonical text of the version in force. */
      readonly digest: string;
      /** Who signed it whom the verifier trusts, for people, and by which key; null where nobody did, or nobody kept it. */
      readonly signer: string | null;
      readonly key: string | null;
      readonly pushed: Act;
      readonly activated: Act;
    }
  | { readonly kind: 'captured' /** Null where nobody kept it. */; readonly by: string | null };

/** The rung on which a finding stands. */
const RUNG_OF: Readonly<Partial<Record<FindingCode, RungName>>> = {
  'EK-UNTRUSTED': 'ek',
  'EK-CERTIFICATE': 'ek',
  'CERT-CHAIN': 'ek',
  'CERT-SIGNATURE': 'ek',
  'CERT-VALIDITY': 'ek',
  'CERT-AUTHORITY': 'ek',
  'CERT-EXTENSION': 'ek',
  'CERT-NAME': 'ek',
  'CERT-USE': 'ek',
  'CERT-ALGORITHM': 'ek',
  'HOST-DUPLICATE': 'ek',
  'EK-DUPLICATE': 'ek',
  'AK-ATTRIBUTES': 'ak',
  'AK-CERTIFICATE': 'ak',
  'AK-UNKNOWN': 'ak',
  'TPM-FIRMWARE-CHANGED': 'ek',
  'IMA-REPLAY': 'pcr',
  'IMA-TEMPLATE-DIGEST': 'list',
  'IMA-LOG-SHORT': 'list',
  'IMA-LOG-TRIMMED': 'list',
  'IMA-ARCHIVE': 'list',
  'IMA-LOG-GAP': 'list',
  'IMA-TEMPLATE-UNKNOWN': 'list',
  'IMA-VIOLATION-TOMTOU': 'list',
  'BOOT-EVENTLOG': 'pcr',
  'BOOT-SECUREBOOT': 'pcr',
  'BOOT-COMMAND-LINE': 'pcr',
  'BOOT-AGGREGATE': 'list',
  'ENGINE-GAP': 'list',
  'IMA-UNKNOWN-DIGEST': 'reference',
  'IMA-DIGEST-CHANGED': 'reference',
  'IMA-HASH-INVALID': 'reference',
  'IMA-SIG-INVALID': 'reference',
  'IMA-SIG-KEY-UNKNOWN': 'reference',
  'EVM-INVALID': 'reference',
  'EVM-KEY-INVALID': 'reference',
  'LABEL-MISSING': 'reference',
  'VERITY-DISABLED': 'reference',
  'BASELINE-DIGEST': 'reference',
  'BASELINE-SIGNATURE': 'reference',
  'MODSIG-ATTRIBUTES': 'reference',
  'IMA-DENIED-DIGEST': 'reference',
  'IMA-KEYRING-CHANGED': 'reference',
  'IMA-POLICY-CHANGED': 'reference',
  'POLICY-SIGNATURE': 'signer',
  'POLICY-ROLLBACK': 'signer',
  'POLICY-EXPIRED': 'reference',
};

const RUNGS = [ekRung, akRung, quoteRung, pcrRung, listRung, referenceRung, signerRung];

/** The steps from the TPM's identity to who answers for the reference values, each with its state and what it rests on. */
export function ladderOf(facts: LadderFacts): Rung[] {
  return RUNGS.map((rungOf) => withFindings(rungOf(facts), facts.openFindings));
}

const EK_SENTENCES = {
  hardware: 'Trusted on first use: the host says that its TPM is a chip; no certificate was checked.',
  software: 'Trusted on first use: a software TPM, whose state root on its host can copy.',
  simulated: 'Simulated TPM: there is no hardware root of trust.',
} as const;

/** What an admission is worth: a key that was known before has come from where the operator got it, not from the host. */
const ADMITTED = {
  registered: {
    state: 'ok',
    label: 'Registered',
    sentence: 'Registered before the host came, by somebody who knew it.',
  },
  approved: {
    state: 'warning',
    label: 'Approved',
    sentence: 'Trusted on first use, and approved by somebody; no certificate of this key was checked.',
  },
} as const;

const UNCERTIFIED_BELOW =
  'Nobody vouches for this key, which signs nothing; the attestation key, which does, has a certificate of its own.';

function ekRung({ tpmKind, ekDigest, enrolledAt, endorsement, akCertificate, admission }: LadderFacts): Rung {
  const facts = [
    { label: 'SHA-256 of the public area', value: ekDigest },
    { label: 'First seen', value: enrolledAt.toISOString() },
  ];
  const rung = { rung: 'ek', title: 'Endorsement key' } as const;
  if (admission !== null) {
    const { label } = ADMITTED[admission.how];
    facts.push({ label, value: actWords(admission) });
  }
  if (endorsement === null) {
    const { state, sentence } =
      admission === null || tpmKind === 'simulated'
        ? ({ state: 'warning', sentence: akCertificate === null ? EK_SENTENCES[tpmKind] : UNCERTIFIED_BELOW } as const)
        : ADMITTED[admission.how];
    return { ...rung, state, sentence, facts };
  }
  const { authority, maker, model } = endorsement;
  if (maker !== undefined) facts.push({ label: 'TPM', value: [maker, model].join(' ').trim() });
  facts.push({ label: 'Authority', value: authority });
  const sentence = 'Certified: an authority that this verifier trusts vouches for the TPM that holds it.';
  return { ...rung, state: 'ok', sentence, facts };
}

const PROVED = 'The TPM that holds the endorsement key proved that it holds this key too.';
const CERTIFIED = `Certified by an authority that this verifier trusts. ${PROVED}`;

function akRung(facts: LadderFacts): Rung {
  return {
    rung: 'ak',
    title: 'Attestation key',
    state: 'ok',
    sentence: facts.akCertificate === null ? PROVED : CERTIFIED,
    facts: [
      { label: 'Name', value: facts.akName },
      { label: 'Since', value: facts.akSince.toISOString() },
      ...(facts.akRenewal === null ? [] : [{ label: 'Another one asked for', value: actWords(facts.akRenewal) }]),
      ...(facts.akCertificate === null ? [] : certificateFacts(facts.akCertificate)),
    ],
  };
}

function certificateFacts({ authority, subject, instance }: NonNullable<LadderFacts['akCertificate']>): Rung['facts'] {
  return [
    ...(subject === '' ? [] : [{ label: 'Certified for', value: subject }]),
    ...(instance === undefined
      ? []
      : [
          { label: 'Instance', value: `${instance.instanceName} (${instance.instanceId})` },
          { label: 'Project', value: instance.projectId },
          { label: 'Zone', value: instance.zone },
        ]),
    { label: 'Authority', value: authority },
  ];
}

function quoteRung({ quote, stale }: LadderFacts): Rung {
  const rung = { rung: 'quote', title: 'Quote' } as const;
  if (quote === null) return { ...rung, state: 'waiting', sentence: 'No quote has come yet.', facts: [] };
  return {
    ...rung,
    state: stale ? 'warning' : 'ok',
    sentence: stale ? 'The newest quote is old.' : 'Signed by the attestation key, over the nonce of this verifier.',
    facts: [
      { label: 'Received', value: quote.at.toISOString() },
      { label: 'Resets', value: String(quote.resetCount) },
      { label: 'Restarts', value: String(quote.restartCount) },
      { label: 'TPM clock', value: `${quote.clock} ms` },
    ],
  };
}

function pcrRung({ quote, entries }: LadderFacts): Rung {
  const rung = { rung: 'pcr', title: 'PCR 10' } as const;
  if (quote === null) return { ...rung, state: 'waiting', sentence: 'No value has been quoted yet.', facts: [] };
  const facts = [{ label: 'sha256:10', value: quote.pcr }];
  if (entries === 0) return { ...rung, state: 'warning', sentence: 'The quoted value covers no entry.', facts };
  return { ...rung, state: 'ok', sentence: 'The measurement list replays to the quoted value.', facts };
}

function listRung({ quote, entries, violations }: LadderFacts): Rung {
  const rung = { rung: 'list', title: 'Measurement list' } as const;
  if (quote === null || entries === 0) {
    return { ...rung, state: 'waiting', sentence: 'No entries have come yet.', facts: [] };
  }
  return {
    ...rung,
    state: 'ok',
    sentence: 'Each template digest is the digest of its data, and boot_aggregate is that of the quoted boot PCRs.',
    facts: [
      { label: 'Entries', value: String(entries) },
      { label: 'Violations', value: String(violations) },
    ],
  };
}

function referenceRung({ entries, quote, reference, authority }: LadderFacts): Rung {
  const rung = { rung: 'reference', title: 'Reference values' } as const;
  if (reference === null) {
    return { ...rung, state: 'waiting', sentence: 'None captured: nothing says which digests are good.', facts: [] };
  }
  return {
    ...rung,
    state: quote === null || entries === 0 ? 'waiting' : 'ok',
    sentence: 'Every measured digest is among them.',
    facts: [
      ...(authority?.kind === 'policy' ? [{ label: 'Policy', value: authority.name }] : []),
      { label: 'Version', value: String(reference.version) },
      { label: 'Digests', value: String(reference.digests) },
      {
        label: authority?.kind === 'policy' ? 'In force since' : 'Captured',
        value: reference.capturedAt.toISOString(),
      },
    ],
  };
}

const SIGNERS = {
  none: 'No reference values: nobody has said what is good.',
  captured: 'Captured from the host itself: nobody signed them.',
  unsigned: 'Nobody whom this verifier trusts signed this version: it rests on those who pushed and activated it.',
  signed: 'This version is signed by a key that this verifier trusts.',
} as const;

function signerRung({ authority }: LadderFacts): Rung {
  const rung = { rung: 'signer', title: 'Signer' } as const;
  if (authority === null) return { ...rung, state: 'waiting', sentence: SIGNERS.none, facts: [] };
  if (authority.kind === 'captured') {
    const facts = authority.by === null ? [] : [{ label: 'Captured by', value: authority.by }];
    return { ...rung, state: 'warning', sentence: SIGNERS.captured, facts };
  }
  const { signer, key, digest, pushed, activated } = authority;
  const signed = [
    { label: 'Signed by', value: signer },
    { label: 'Key', value: key },
  ].flatMap(({ label, value }) => (value === null ? [] : [{ label, value }]));
  return {
    ...rung,
    state: signer === null ? 'warning' : 'ok',
    sentence: signer === null ? SIGNERS.unsigned : SIGNERS.signed,
    facts: [
      ...signed,
      { label: 'Digest of what is in force', value: digest },
      { label: 'Pushed', value: actWords(pushed) },
      { label: 'Activated', value: actWords(activated) },
    ],
  };
}

const actWords = ({ by, at }: Act): string => `${at.toISOString()} by ${by}`;

/** A finding takes over the state and the sentence of its rung; failures before warnings, newest first. */
function withFindings(rung: Rung, findings: readonly OpenFinding[]): Rung {
  const here = findings.filter((finding) => (RUNG_OF[finding.code] ?? 'quote') === rung.rung);
  const worst = here.find((finding) => finding.severity === 'failed') ?? here[0];
  return worst === undefined ? rung : { ...rung, state: worst.severity, sentence: worst.sentence };
}
