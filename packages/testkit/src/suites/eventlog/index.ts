import { together } from '../comparisons.ts';
import type { LiveSuite } from '../suite.ts';
import { bootsOfFirmware } from './boots.ts';
import { judgeEventLogs } from './judge.ts';

/** Whether core reads the event logs that UEFI firmware writes as its TPM and its variables say. */
export const eventlog: LiveSuite = {
  name: 'eventlog',
  title: 'UEFI boots: event logs, PCRs, quotes, Secure Boot',
  run: async (_cases, options) => bootsOfFirmware(options),
  judge: (answers) => together(judgeEventLogs(answers)),
};
