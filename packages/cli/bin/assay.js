#!/usr/bin/env node
import { start } from './start.js';

await start(async () => {
  const { main } = await import('../src/main.ts');
  await main(process.argv);
});
