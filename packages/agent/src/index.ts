export { startAgent, type Agent } from './agent.ts';
export type { AgentOptions, AgentPhase } from './options.ts';
