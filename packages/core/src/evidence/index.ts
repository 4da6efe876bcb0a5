export { bindingDigest, keyBindingDigest, type Binding, type HostFacts } from './binding.ts';
export {
  manufacturerName,
  tpmIdentity,
  verifyEkCertificate,
  type EkCertificateInput,
  type TpmIdentity,
  type VerifiedEkCertificate,
} from './ek-certificate.ts';
export type { Boot, KeptState } from './continuity.ts';
export { EVIDENCE_STEPS, stepOf, type EvidenceStep } from './steps.ts';
export {
  IMA_PCR,
  verifyEvidence,
  type EvidenceInput,
  type EvidencePorts,
  type EvidenceResult,
  type VerifiedEvidence,
} from './verify.ts';
