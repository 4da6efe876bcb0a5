#!/usr/bin/env node
import { start } from './start.js';

await start(async () => {
  const { evmctl } = await import('../src/evmctl/main.ts');
  process.exitCode = await evmctl(process.argv.slice(2));
});
