export { ServiceListener, type Notification } from './listener.ts';
