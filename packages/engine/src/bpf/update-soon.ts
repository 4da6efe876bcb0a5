import { constants } from 'node:os';
import type { BpfMap } from '@assay/linux/bpf';
import { errnoOf } from '@assay/linux/errno';

const { ENOMEM } = constants.errno;
/** The kernel may have no room at one moment, as it may not wait for any (kmalloc_nolock). */
const TIMES = 8;

/**
 * Sets the value of a map of inodes.
 * @param how `present`: only where there is a value already
 * @returns as `BpfMap.update`
 * @throws SystemError as `BpfMap.update`; SYSTEM-CALL with ENOMEM where there is no room again and again
 */
export function updateSoon(map: Pick<BpfMap, 'update'>, how?: Parameters<BpfMap['update']>[0]): boolean {
  for (let time = 1; ; time++) {
    try {
      return map.update(how);
    } catch (error) {
      if (errnoOf(error) !== ENOMEM || time === TIMES) throw error;
    }
  }
}
