import type { AppraiseMode } from '@assay/core/appraisal';
import { toHex } from '@assay/core/bytes';
import { VerificationError } from '@assay/core/errors';
import { functionMask } from '@assay/core/policy';
import { ExplainedFile, type EngineOptions } from '@assay/engine';
import {
  createDecider,
  EngineControl,
  engineProfile,
  type DeciderSetup,
  type EnginePolicy,
  type HookCall,
  type Updater,
} from '@assay/engine/decision';
import { checkingKeys } from '@assay/linux/keyrings';
import { UsageError } from '../exit.ts';
import { evmState, keysAt } from './keys.ts';
import type { Deciding } from './options.ts';
import { choosePolicy, isBuiltin } from './policy.ts';

export interface ChosenSetup {
  readonly policy: EnginePolicy;
  readonly setup: DeciderSetup;
  readonly control: EngineControl;
  /** What the loading of the policy itself brings into the list. */
  readonly firstEntries: NonNullable<EngineOptions['firstEntries']>;
}

/**
 * All that decides, from the options: policy, keys, updaters.
 * @throws UsageError; FormatError POLICY-REFUSED, BUILTIN-NAME, EVM-KEY, DER-FORM; SystemError KEYRING-REFUSED, TPM-*; VerificationError IMA-SIG-*, LABEL-MISSING
 */
export async function chooseSetup(options: Deciding, mode: AppraiseMode): Promise<ChosenSetup> {
  const profile = engineProfile(options.kernel);
  const keys = await keysAt(options.cert, '--cert');
  const kernelKeys = options.keyring.flatMap(checkingKeys);
  const policy = await choosePolicy(options.policy, options, profile);
  const control = new EngineControl();
  control.mode = mode;
  const evm = await evmState(options, keys);
  const bare: DeciderSetup = {
    epoch: 1,
    rules: policy.rules,
    failSecurely: policy.failSecurely,
    kernel: { profile, imaHash: options.algorithm, template: options.template },
    keys,
    kernelKeys,
    ...(evm === undefined ? {} : { evm }),
    updaters: [],
    relabel: options.relabel,
    control: control.memory,
  };
  const setup = { ...bare, updaters: options.updater.map((path) => updaterAt(path, bare)) };
  const firstEntries = isBuiltin(options.policy) ? [] : loadedEntries(options.policy, setup);
  return { policy, setup, control, firstEntries };
}

/**
 * All that decides once another policy is loaded; the rules of now say whether its file may be one, and what of it is measured.
 * @throws as `chooseSetup`
 */
export async function replacedSetup(
  path: string,
  options: Deciding,
  current: DeciderSetup,
): Promise<Pick<ChosenSetup, 'setup' | 'firstEntries'>> {
  const firstEntries = loadedEntries(path, current);
  const { rules, failSecurely } = await choosePolicy(path, options, current.kernel.profile);
  const bare = { ...current, epoch: current.epoch + 1, rules, failSecurely, updaters: [] };
  const setup = { ...bare, updaters: options.updater.map((updater) => updaterAt(updater, bare)) };
  loadedEntries(path, setup); // It has to pass its own rule, too.
  return { setup, firstEntries };
}

const EXECUTED: readonly HookCall[] = (['FILE_CHECK', 'BPRM_CHECK', 'CREDS_CHECK'] as const).map((func) => ({
  func,
  mask: functionMask('BPRM_CHECK'),
}));

/**
 * An updater with what proves that a program is it: the digest of its content, where the policy itself would let it be executed.
 * @throws VerificationError LABEL-MISSING where it would not
 */
function updaterAt(path: string, setup: DeciderSetup): Updater {
  using found = new ExplainedFile(path);
  const cause = refusal(found, EXECUTED, setup);
  if (cause !== undefined) {
    throw new VerificationError('LABEL-MISSING', `--updater ${path} is no program that this policy trusts: ${cause}`);
  }
  const digests = found.file.digests(['sha256']);
  const digest = typeof digests === 'string' ? undefined : digests.get('sha256');
  if (digest === undefined) throw new UsageError(`--updater ${path} cannot be read`);
  return { path: Buffer.from(found.file.path).toString('latin1'), digest: toHex(digest) };
}

/** @throws VerificationError IMA-SIG-INVALID where the policy demands of policies what its own file has not */
function loadedEntries(path: string, setup: DeciderSetup): ChosenSetup['firstEntries'] {
  using found = new ExplainedFile(path);
  const hooks: HookCall[] = [{ func: 'POLICY_CHECK', mask: functionMask('POLICY_CHECK') }];
  const cause = refusal(found, hooks, setup);
  if (cause !== undefined)
    throw new VerificationError('IMA-SIG-INVALID', `${path} does not pass its own rule: ${cause}`);
  return createDecider(setup).decide({ file: found.file, task: found.task, hooks }).entries;
}

/** Why the file would be refused if the rules were enforced. */
function refusal({ file, task }: ExplainedFile, hooks: readonly HookCall[], setup: DeciderSetup): string | undefined {
  const control = new EngineControl();
  control.mode = 'enforce';
  const { allowed, audits } = createDecider({ ...setup, control: control.memory }).decide({ file, task, hooks });
  return allowed ? undefined : (audits.find(({ denied }) => denied)?.cause ?? 'it is refused');
}
