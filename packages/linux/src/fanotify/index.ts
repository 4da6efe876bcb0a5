export { parseFanotifyEvents, type FanotifyEvent } from './events.ts';
export { FanotifyGroup, type FanotifyRead } from './group.ts';
export { openPermissionGroup, PermissionGroup, type AskedEvent, type AskedEvents } from './permission-group.ts';
