export { close, fanotifyInit, fanotifyMark, fcntl, flock, lastErrno, poll, read, write } from './calls.ts';
export { callFailed } from './errors.ts';
