export { parseFanotifyEvents, type FanotifyEvent } from './events.ts';
export { FanotifyGroup, type FanotifyMode, type FanotifyRead } from './group.ts';
