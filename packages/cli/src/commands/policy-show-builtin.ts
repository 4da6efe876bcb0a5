import { builtinPolicy, parseBootPolicy } from '@assay/core/policy';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { chooseKernel } from '../kernel-profile.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { KernelOptions } from '../policy/kernel-options.ts';

const ShowOptions = OutputOptions.extend(KernelOptions.shape);

/** `assay policy show-builtin NAME`: the rules with which a kernel starts, as it prints them. */
export async function showBuiltin(name: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ShowOptions, given);
  const asked = z.string().parse(name);
  const { profile, builtin, version, config } = await chooseKernel(options.kernel, options.config);
  const { rules, failSecurely } = builtinPolicy(parseBootPolicy(asked), profile, builtin, options.secureBoot);
  if (options.output === 'json') {
    const lines = rules.map(({ line, text }) => ({ line, text }));
    const { secureBoot } = options;
    printJson({
      schema: 'assay.policy-builtin.v1',
      name: asked,
      kernel: version,
      config,
      secureBoot,
      failSecurely,
      rules: lines,
    });
  } else {
    for (const { text } of rules) process.stdout.write(`${text}\n`);
  }
  return EXIT.fine;
}
