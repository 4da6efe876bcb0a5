// A thread of `assay policy simulate`: threads do not share what the main one keeps of compiled sources.
import { keepCompiled } from './compiled.js';

keepCompiled();
await import('../src/policy/simulate/worker.ts');
