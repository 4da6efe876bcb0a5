export { startEngine } from './engine.ts';
export type { Engine, EngineOptions, EngineStatus, EngineTpm } from './options.ts';
