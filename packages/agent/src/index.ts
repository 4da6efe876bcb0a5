export { enrolHost, renewKey, startAgent, type Agent } from './agent.ts';
export type { AgentOptions, AgentPhase } from './options.ts';
export { loadState, type AgentState } from './state.ts';
export { AgentStatus, readStatus, StatusFile } from './status.ts';
export type { AttestationKeyKind } from './cloud-key.ts';
