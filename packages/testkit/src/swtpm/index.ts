export { swtpmAvailable } from './available.ts';
export { startGuestSwtpm, startSwtpm, type RunningSwtpm } from './start.ts';
