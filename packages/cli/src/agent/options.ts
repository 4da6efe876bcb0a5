import { hostname, release } from 'node:os';
import { join, resolve } from 'node:path';
import type { AgentOptions } from '@assay/agent';
import { SystemError } from '@assay/core/errors';
import {
  canBeTrimmed,
  engineList,
  isThere,
  kernelIma,
  spooledList,
  spoolName,
  type MeasurementSource,
  type SpoolState,
} from '@assay/linux/ima';
import { CLOUD_KEY_NAMES, kernelEventLog, readEventLog, type Tpm } from '@assay/linux/tpm';
import { EVENT_LOG_LIMIT } from '@assay/wire';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { boundedContent } from '../bounded-file.ts';
import { readRoots } from '../ek-roots.ts';
import { Size } from '../engine/options.ts';
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
  attestationKey: z.enum(['own', ...CLOUD_KEY_NAMES]).optional(),
  list: ListChoice,
  eventLog: z.string().min(1, 'names no file').optional(),
  state: ConnectOptions.shape.state,
  spoolSize: Size,
});
export type AgentCommandOptions = z.infer<typeof AgentCommandOptions>;

/** Files of an agent's state directory. */
export function agentFiles(state: string): Record<'directory' | 'state' | 'status' | 'lock' | 'spool', string> {
  const directory = resolve(state);
  return {
    directory,
    state: join(directory, 'agent.json'),
    status: join(directory, 'agent-status.json'),
    lock: join(directory, 'agent.lock'),
    spool: join(directory, spoolName()),
  };
}

/**
 * What the agent works with.
 * @param onSpool told of the spool of a list that can be trimmed
 * @throws SystemError
 */
export async function agentOptions(
  options: AgentCommandOptions,
  tpm: Tpm,
  onSpool?: (state: SpoolState) => void,
): Promise<AgentOptions> {
  const { state } = agentFiles(options.state);
  const joinToken = await joinTokenOf(options.joinTokenFile);
  return {
    name: options.name ?? hostNameOf(hostname()),
    verifierUrl: options.verifier,
    joinToken,
    ...(options.ca === undefined ? {} : { authorities: await authoritiesIn(options.ca) }),
    tpm,
    ...(options.attestationKey === undefined ? {} : { attestationKey: options.attestationKey }),
    source: openList(options, onSpool),
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
function openList(
  { list: { kind, directory }, state, spoolSize }: AgentCommandOptions,
  onSpool?: (state: SpoolState) => void,
): MeasurementSource {
  if (kind === 'engine') {
    const where = directory ?? ENGINE_DIRECTORY;
    if (isThere(where)) return engineList(where, 'sha256');
    throw new SystemError('ENGINE-UNREACHABLE', `${where} is not there: no engine keeps its list in it`);
  }
  const ima = kernelIma(directory === undefined ? undefined : [directory]);
  if (ima.state === 'unreadable') throw new SystemError('NOT-PERMITTED', `the kernel's list: ${ima.reason}`);
  if (ima.state === 'absent') throw new SystemError('KERNEL-LACKS', `no measurement list of the kernel: ${ima.reason}`);
  if (!canBeTrimmed(ima.source)) return ima.source;
  const spool = { directory: agentFiles(state).directory, limit: spoolSize };
  return spooledList(ima.source, onSpool === undefined ? spool : { ...spool, onState: onSpool });
}
