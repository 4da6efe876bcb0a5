import { enrolHost, renewKey } from '@assay/agent';
import { z } from 'zod';
import { AgentCommandOptions, agentFiles, agentOptions } from '../agent/options.ts';
import { holdState } from '../agent/state.ts';
import { EXIT } from '../exit.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { withTpm } from '../tpm-options.ts';

const EnrolOptions = AgentCommandOptions.extend({ ...OutputOptions.shape, renewKey: z.boolean().default(false) });

/** `assay agent enrol`: the enrolment alone; `agent run` goes on from it without a join token. */
export async function enrolAgent(given: unknown): Promise<number> {
  const options = optionsFrom(EnrolOptions, given);
  process.umask(0o077); // Keys and tokens are for their owner alone.
  const release = await holdState(options.state);
  try {
    return await withTpm(options.tpm, async (tpm) => {
      const enrolWith = await agentOptions(options, tpm);
      const { name, verifierUrl: verifier } = enrolWith;
      const hostId = await (options.renewKey ? renewKey(enrolWith) : enrolHost(enrolWith));
      const { state } = agentFiles(options.state);
      if (options.output === 'json') printJson({ schema: 'assay.agent-enrolment.v1', name, hostId, verifier, state });
      else process.stdout.write(`${name} is enrolled as host ${hostId} at ${verifier}\n`);
      return EXIT.fine;
    });
  } finally {
    release();
  }
}
