export { activateCredential, policySecret, quote, startAuthSession } from './attestation.ts';
export {
  flushContext,
  getCapability,
  getRandom,
  readClock,
  shutdown,
  startup,
  TPM_CAP,
  TPM_PT,
  type CapabilityData,
} from './general.ts';
export {
  authorization,
  authorizationResponse,
  command,
  CONTINUE_SESSION,
  EMPTY_PASSWORD,
  message,
  policyAuthorization,
  type Authorization,
  type CommandLayout,
  type TpmCommand,
} from './layout.ts';
export { create, createPrimary, load, NO_SENSITIVE, readPublic } from './objects.ts';
export { DIGESTS_PER_READ, pcrExtend, pcrRead } from './pcr.ts';
