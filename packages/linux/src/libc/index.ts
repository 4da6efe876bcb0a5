export {
  close,
  fanotifyInit,
  fanotifyMark,
  fcntl,
  fgetxattr,
  flistxattr,
  flock,
  fremovexattr,
  fsetxattr,
  ioctl,
  lastErrno,
  lgetxattr,
  llistxattr,
  lremovexattr,
  lsetxattr,
  openat,
  poll,
  read,
  syscall,
  write,
} from './calls.ts';
export { CallFailure } from './errno.ts';
export { callFailed } from './errors.ts';
export { Pinned } from './pinned.ts';
