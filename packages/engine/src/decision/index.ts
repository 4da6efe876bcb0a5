export type { AuditEvent, Decider, Decision, HookCall, Task } from './contract.ts';
export { EngineControl } from './control.ts';
export { createDecider } from './decider.ts';
export {
  builtinEnginePolicy,
  checkPolicySignature,
  DEFAULT_POLICY,
  POLICY_PAYLOAD_TYPE,
  policyOfText,
  signedPolicyText,
  type EnginePolicy,
} from './policy.ts';
export { engineProfile } from './profile.ts';
export type { DeciderSetup, Relabel, Updater } from './setup.ts';
