export { swtpmAvailable } from './available.ts';
export { startSwtpm, type RunningSwtpm } from './start.ts';
