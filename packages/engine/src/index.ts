export { AuditLog } from './audit-log.ts';
export { bypasses, HOOK_COVERAGE, type Bypass, type HookCoverage } from './coverage.ts';
export { startEngine } from './engine.ts';
export { ExplainedFile } from './explained-file.ts';
export type { EngineTpm } from './engine-tpm.ts';
export type { Engine, EngineOptions, EngineStatus } from './options.ts';
