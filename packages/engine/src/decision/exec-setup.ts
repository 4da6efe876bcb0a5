import { acceptedRules, checkPolicy, debianOptions, parsePolicy, type KernelProfile } from '@assay/core/policy';
import { RULES } from '../rules.ts';
import { EngineControl } from './control.ts';
import type { DeciderSetup } from './setup.ts';

/** For the rules that the engine has where it is given no policy: it measures what is executed, and refuses nothing. */
export function execSetup(): DeciderSetup {
  const version = { major: 6, minor: 12 };
  const profile: KernelProfile = { name: 'the engine', version, ...debianOptions(version) };
  const control = new EngineControl();
  control.mode = 'log';
  return {
    epoch: 1,
    rules: acceptedRules(checkPolicy(parsePolicy(`${RULES.join('\n')}\n`), profile).rules),
    failSecurely: false,
    kernel: { profile, imaHash: 'sha256', template: 'ima-ng' },
    keys: [],
    updaters: [],
    relabel: 'updaters',
    control: control.memory,
  };
}
