// Plain JavaScript: a thread that began with TypeScript would load the compiler for that alone.
import { enableCompileCache } from 'node:module';
import { getEnvironmentData } from 'node:worker_threads';

const [, , module, compiled] = process.argv;
const loaded = getEnvironmentData('assay.thread-loaded');
if (compiled !== undefined) enableCompileCache(compiled);
await import(module);
Atomics.store(loaded, 0, 1);
Atomics.notify(loaded, 0);
