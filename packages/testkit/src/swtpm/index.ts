export { swtpmAvailable } from './available.ts';
export { manufactureSwtpm, type ManufacturedSwtpm } from './manufacture.ts';
export { startGuestSwtpm, startSwtpm, type RunningSwtpm } from './start.ts';
