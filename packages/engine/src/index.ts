export { AuditLog } from './audit-log.ts';
export {
  bpfGate,
  bypasses,
  LIMITS,
  grantsLeases,
  hookCoverage,
  TURBO_LIMITS,
  type BpfGate,
  type Bypass,
  type HookCoverage,
  type TurboLimit,
} from './coverage.ts';
export { startEngine } from './engine.ts';
export { ExplainedFile } from './explained-file.ts';
export type { EngineTpm } from './engine-tpm.ts';
export type { Engine, EngineOptions, EngineStatus } from './options.ts';
