import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { SystemError } from '@assay/core/errors';
import { CallFailure } from './errno.ts';

const { EPERM, EACCES, ENOSYS } = constants.errno;

/**
 * The error of a failed system call; its cause knows the number.
 * @param call what was tried, in words, beginning with the name of the call
 * @param capability what EPERM and EACCES miss, such as CAP_SYS_ADMIN
 */
export function callFailed(call: string, errno: number, capability?: string): SystemError {
  const name = getSystemErrorName(-errno);
  const options = { cause: new CallFailure(errno) };
  if (errno === EPERM || errno === EACCES) {
    return new SystemError('NOT-PERMITTED', `${call}: ${name}${capability ? `; it needs ${capability}` : ''}`, options);
  }
  if (errno === ENOSYS) return new SystemError('KERNEL-LACKS', `${call}: this kernel does not have the call`, options);
  return new SystemError('SYSTEM-CALL', `${call}: ${name}`, options);
}
