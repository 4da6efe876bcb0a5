import { DEFAULT_REQUIREMENTS, parseRequirement, unmetRequirements, type Requirement } from '@assay/core/ear';
import { strictJson } from '@assay/core/bytes';
import { tokenKeysAt, tokenKeysOf, verifyToken, type TokenKeys } from '@assay/wire/token';
import { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import { EXIT, UsageError } from '../exit.ts';
import { OutputOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours, shown } from '../output/terminal.ts';
import { tokenIn } from '../token/input.ts';
import { documentOf, textOf } from '../token/output.ts';

const VerifyOptions = OutputOptions.extend({
  keys: z.string().min(1, 'names no file and no address'),
  require: z.array(z.string()).default([...DEFAULT_REQUIREMENTS]),
  nonce: z.string().optional(),
});

const KEYS_LIMIT = 256 * 1024;

/** `assay token verify`: exit code 0 when the result verifies and says all that is required, else 1. */
export async function verifyFile(file: unknown, given: unknown): Promise<number> {
  const { keys, require, nonce, output } = optionsFrom(VerifyOptions, given);
  const requirements = require.map(requirementOf);
  const trusted = await trustedKeys(keys);
  const checks = { now: new Date(), ...(nonce === undefined ? {} : { nonce }) };
  const result = await verifyToken(await tokenIn(z.string().parse(file)), trusted, checks);
  const unmet = unmetRequirements(result, requirements);
  const met = unmet.length === 0;
  if (output === 'json') {
    const document = { verified: true, key: result.keyId ?? null, met, unmet, result: documentOf(result) };
    printJson({ schema: 'assay.token-verify.v1', ...document });
  } else process.stdout.write(`${textOf(result)}${answer(unmet)}`);
  return met ? EXIT.fine : EXIT.no;
}

function answer(unmet: ReturnType<typeof unmetRequirements>): string {
  const colour = colours(1);
  if (unmet.length === 0) return `${colour.green('accepted')}: it verifies, and says all that is required\n`;
  const lines = unmet.map(({ requirement, found }) => `  ${requirement} is required and is ${shown(found)}\n`);
  return `${colour.red('not enough')}: it verifies, and says too little of the host\n${lines.join('')}`;
}

function requirementOf(text: string): Requirement {
  const requirement = parseRequirement(text);
  if (requirement !== undefined) return requirement;
  throw new UsageError(
    `--require ${text} is not of the form [SUBMOD/]CLAIM=TIER, [SUBMOD/]CLAIM<=VALUE or status=TIER`,
  );
}

async function trustedKeys(where: string): Promise<TokenKeys> {
  if (!/^https?:/i.test(where)) return tokenKeysOf(strictJson(await boundedContent(where, KEYS_LIMIT), 'KEY-UNKNOWN'));
  const url = URL.parse(where);
  if (url === null) throw new UsageError(`--keys ${where} is no address`);
  return tokenKeysAt(url);
}
