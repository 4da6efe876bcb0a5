export { startThread } from './threads.ts';
