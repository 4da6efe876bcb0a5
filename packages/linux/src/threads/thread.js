// Plain JavaScript: a thread that began with TypeScript would load the compiler for that alone.
import { enableCompileCache } from 'node:module';

const [, , module, compiled] = process.argv;
if (compiled !== undefined) enableCompileCache(compiled);
await import(module);
