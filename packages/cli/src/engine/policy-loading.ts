import type { Engine } from '@assay/engine';
import { UsageError } from '../exit.ts';
import type { Deciding } from './options.ts';
import { demandsSignature, isBuiltin } from './policy.ts';
import { replacedSetup, type ChosenSetup } from './setup.ts';

type Options = Deciding & { readonly policyRewritable: boolean };

/** Loads policies into a running engine: one over a built-in policy, and further ones if they are signed or rewritable. */
export class PolicyLoading {
  readonly #options: Options;
  readonly #engine: Engine;
  #setup: ChosenSetup['setup'];
  #isBuiltin: boolean;

  constructor(options: Options, engine: Engine, setup: ChosenSetup['setup']) {
    this.#options = options;
    this.#engine = engine;
    this.#setup = setup;
    this.#isBuiltin = isBuiltin(options.policy);
  }

  /** @throws UsageError where the policy stays; what is wrong with the one in the file; what `Engine.load` throws */
  async load(path: string): Promise<void> {
    const { policyRewritable } = this.#options;
    if (!this.#isBuiltin && !policyRewritable && !demandsSignature(this.#options)) {
      throw new UsageError(
        'a policy is loaded once: start with --policy-key or --policy-cert to take signed ones, or --policy-rewritable',
      );
    }
    const { setup, firstEntries } = await replacedSetup(path, this.#options, this.#setup);
    await this.#engine.load(setup, path, firstEntries);
    this.#setup = setup;
    this.#isBuiltin = false;
  }
}
