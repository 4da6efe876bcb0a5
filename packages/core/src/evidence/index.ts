export { verifyAkCertificate, type AkCertificateInput, type VerifiedAkCertificate } from './ak-certificate.ts';
export {
  bindingDigest,
  keyBindingDigest,
  POSSESSION_SELECTION,
  possessionDigest,
  type Binding,
  type HostFacts,
  type MissingLog,
} from './binding.ts';
export { cloudInstance, type CloudInstance } from './cloud-instance.ts';
export {
  manufacturerName,
  tpmIdentity,
  verifyEkCertificate,
  type EkCertificateInput,
  type TpmIdentity,
  type VerifiedEkCertificate,
} from './ek-certificate.ts';
export { LIST_START, type Boot, type KeptState, type ListPosition, type SentBefore } from './continuity.ts';
export { checkDigests, IMA_PCR, positionAfter, wholeEntries, type ListPart } from './list-part.ts';
export { EVIDENCE_STEPS, stepOf, type EvidenceStep } from './steps.ts';
export {
  verifyEvidence,
  type EvidenceInput,
  type EvidencePorts,
  type EvidenceResult,
  type VerifiedEvidence,
} from './verify.ts';
