export { AuditLog } from './audit-log.ts';
export { startEngine } from './engine.ts';
export { ExplainedFile } from './explained-file.ts';
export type { Engine, EngineOptions, EngineStatus, EngineTpm } from './options.ts';
