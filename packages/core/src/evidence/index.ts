export { bindingDigest, type Binding, type HostFacts } from './binding.ts';
export type { Boot, KeptState } from './continuity.ts';
export {
  IMA_PCR,
  verifyEvidence,
  type EvidenceInput,
  type EvidencePorts,
  type EvidenceResult,
  type VerifiedEvidence,
} from './verify.ts';
