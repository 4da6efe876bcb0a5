import type { MeasurementSource } from '@assay/linux/ima';
import type { Tpm } from '@assay/linux/tpm';
import type { EvidenceReply, HostFacts, MissingLog, ProblemError } from '@assay/wire';
import type { AttestationKeyKind } from './cloud-key.ts';

export interface AgentOptions {
  /** Name of this host at the verifier. */
  readonly name: string;
  readonly verifierUrl: string;
  /** Lets a host enrol; not needed once it has, nor where its endorsement key is registered. */
  readonly joinToken: string | undefined;
  /** Authorities that may vouch for the verifier, in PEM; by default those that Node trusts. */
  readonly authorities?: string;
  readonly tpm: Tpm;
  /** With which attestation key the host enrols; by default the one that it has, or one that the agent makes. */
  readonly attestationKey?: AttestationKeyKind;
  readonly source: MeasurementSource;
  readonly facts: HostFacts;
  /** The boot event log of the firmware that measured into this TPM, at most `EVENT_LOG_LIMIT` bytes; by default there is none. */
  readonly eventLog?: () => Promise<Uint8Array | MissingLog>;
  /** File that keeps the attestation key and the enrolment. */
  readonly statePath: string;
  /** Most bytes of the list that go along with a quote; what is before them goes in parts. Default: 4 MiB. */
  readonly tailBytes?: number;
  readonly onPhase?: (phase: AgentPhase) => void;
}

/** Where the agent stands; `retrying` says what went wrong and in how many milliseconds it tries again. */
export type AgentPhase =
  | { readonly phase: 'enrolling' }
  | { readonly phase: 'attesting'; readonly hostId: string }
  | { readonly phase: 'attested'; readonly reply: EvidenceReply }
  /** It makes another attestation key: the verifier asked for one, or the TPM does not load the one that it had. */
  | { readonly phase: 'renewing' }
  /** That failed; the key of before stays in use for at least so many milliseconds. */
  | { readonly phase: 'not-renewed'; readonly error: Error; readonly milliseconds: number }
  /** The verifier wants somebody to decide about this host; it is asked again in so many milliseconds. */
  | { readonly phase: 'waiting'; readonly error: ProblemError; readonly milliseconds: number }
  | { readonly phase: 'retrying'; readonly error: Error; readonly milliseconds: number };
