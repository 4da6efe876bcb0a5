export { endThread, hasEnded, startThread } from './threads.ts';
