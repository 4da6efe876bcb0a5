export { parseFanotifyEvents, type FanotifyEvent } from './events.ts';
export { FanotifyGroup, type FanotifyRead } from './group.ts';
export {
  EVENT_DESCRIPTORS,
  openPermissionGroup,
  PermissionGroup,
  type AskedEvent,
  type AskedEvents,
} from './permission-group.ts';
