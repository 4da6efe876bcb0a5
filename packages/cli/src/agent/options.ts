import { hostname, release } from 'node:os';
import { join, resolve } from 'node:path';
import type { AgentOptions } from '@assay/agent';
import { SystemError } from '@assay/core/errors';
import { engineList, isThere, kernelIma, type MeasurementSource } from '@assay/linux/ima';
import { kernelEventLog, readEventLog, type Tpm } from '@assay/linux/tpm';
import { EVENT_LOG_LIMIT } from '@assay/wire';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { boundedContent } from '../bounded-file.ts';
import { readRoots } from '../ek-roots.ts';
import { UsageError } from '../exit.ts';
import { HostNameOption, hostNameOf } from '../host-name.ts';
import { ConnectOptions } from '../options.ts';
import { TpmOptions } from '../tpm-options.ts';
import { TPM_DEVICE } from '../up/tpm.ts';

const ENGINE_DIRECTORY = '/run/assay/engine';
const TOKEN_LIMIT = 4096;
const AUTHORITIES_LIMIT = 4 * 1024 * 1024;

const ListChoice = z
  .string()
  .regex(/^(?:kernel|engine)(?::.+)?$/s, 'takes kernel[:DIR] or engine[:DIR]')
  .transform((text) => {
    const [, kind, directory] = /^(kernel|engine)(?::(.+))?$/s.exec(text) ?? [];
    return { kind: kind === 'engine' ? 'engine' : 'kernel', directory } as const;
  });

/** Options of `agent run` and `agent enrol`. */
export const AgentCommandOptions = z.object({
  verifier: ConnectOptions.shape.url,
  ca: z.string().min(1, 'names no file').optional(),
  joinTokenFile: z.string().min(1, 'names no file').optional(),
  name: HostNameOption.optional(),
  tpm: TpmOptions.shape.tpm,
  list: ListChoice,
  eventLog: z.string().min(1, 'names no file').optional(),
  state: ConnectOptions.shape.state,
});
export type AgentCommandOptions = z.infer<typeof AgentCommandOptions>;

/** Files of an agent's state directory. */
export function agentFiles(state: string): { directory: string; state: string; status: string; lock: string } {
  const directory = resolve(state);
  return {
    directory,
    state: join(directory, 'agent.json'),
    status: join(directory, 'agent-status.json'),
    lock: join(directory, 'agent.lock'),
  };
}

/** What the agent works with. @throws SystemError */
export async function agentOptions(options: AgentCommandOptions, tpm: Tpm): Promise<AgentOptions> {
  const { state } = agentFiles(options.state);
  const joinToken = await joinTokenOf(options.joinTokenFile);
  return {
    name: options.name ?? hostNameOf(hostname()),
    verifierUrl: options.verifier,
    joinToken,
    ...(options.ca === undefined ? {} : { authorities: await authoritiesIn(options.ca) }),
    tpm,
    source: openList(options.list),
    facts: {
      tpmKind: options.tpm.kind === 'device' ? 'hardware' : 'software',
      listSource: options.list.kind,
      kernel: release(),
      agentVersion: packageJson.version,
    },
    ...eventLogOf(options),
    statePath: state,
  };
}

/** A software TPM knows nothing of how this machine started, so it has a log only where one is named. */
function eventLogOf({ eventLog, tpm }: AgentCommandOptions): Pick<AgentOptions, 'eventLog'> {
  if (eventLog === 'none') return {};
  const path = eventLog ?? (tpm.kind === 'device' ? kernelEventLog(tpm.path ?? TPM_DEVICE) : undefined);
  return path === undefined ? {} : { eventLog: () => readEventLog(path, EVENT_LOG_LIMIT) };
}

/** @throws FormatError PEM-FORM where it holds no certificate */
async function authoritiesIn(file: string): Promise<string> {
  await readRoots(file);
  return (await boundedContent(file, AUTHORITIES_LIMIT)).toString('latin1');
}

/** Without white space around it. @returns undefined where none is given */
export async function joinTokenOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env['ASSAY_JOIN_TOKEN']?.trim() || undefined;
  const token = (await boundedContent(file, TOKEN_LIMIT)).toString('latin1').trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError(`--join-token-file ${file} holds no token`);
  return token;
}

/** @throws SystemError KERNEL-LACKS, NOT-PERMITTED, ENGINE-UNREACHABLE */
function openList({ kind, directory }: AgentCommandOptions['list']): MeasurementSource {
  if (kind === 'engine') {
    const where = directory ?? ENGINE_DIRECTORY;
    if (isThere(where)) return engineList(where, 'sha256');
    throw new SystemError('ENGINE-UNREACHABLE', `${where} is not there: no engine keeps its list in it`);
  }
  const ima = kernelIma(directory === undefined ? undefined : [directory]);
  if (ima.state === 'present') return ima.source;
  if (ima.state === 'unreadable') throw new SystemError('NOT-PERMITTED', `the kernel's list: ${ima.reason}`);
  throw new SystemError('KERNEL-LACKS', `no measurement list of the kernel: ${ima.reason}`);
}
