import { join } from 'node:path';
import type { AppraiseMode } from '@assay/core/appraisal';
import { isMembers, strictJson } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import type { EngineStatus } from '../options.ts';

/** What a running engine can be asked, a JSON object on one line. */
export type ControlRequest = PromptRequest | { readonly command: 'load'; readonly path: string };

/** What it does at once. */
export type PromptRequest =
  | { readonly command: 'status' | 'resume' | 'confirm' }
  /** @param seconds after which it goes on by itself */
  | { readonly command: 'pause'; readonly seconds: number }
  | { readonly command: 'mode'; readonly mode: AppraiseMode };

/** What a running engine tells of itself. Times are RFC 3339, UTC. */
export interface RunningStatus extends EngineStatus {
  readonly directory: string;
  readonly pid: number;
  readonly since: string;
  /** Until when `confirm` has to come, or the mode is `log` again. */
  readonly confirmBy?: string;
  readonly pausedUntil?: string;
  /** Audit records that nobody could take in time. */
  readonly auditsDropped: number;
}

/** The answer: the state after the request, or why it was not done. */
export type ControlAnswer =
  | { readonly done: true; readonly status: RunningStatus }
  | { readonly done: false; readonly reason: string };

/** A request and its answer are one line each. */
export const LINE_LIMIT = 1024 * 1024;
export const REQUEST_LIMIT = 16_384;
const LONGEST_PATH = 4095;

/** An hour of pause is enough for any maintenance; a day would be forgotten. */
const LONGEST_PAUSE = 24 * 60 * 60;
const MODES: readonly AppraiseMode[] = ['off', 'log', 'fix', 'enforce'];

export function controlSocket(directory: string): string {
  return join(directory, 'control');
}

/** @throws FormatError ENGINE-REQUEST */
export function parseRequest(line: Uint8Array): ControlRequest {
  const value = strictJson(line, 'ENGINE-REQUEST');
  if (!isMembers(value)) throw wrong('it is no object');
  const { command, seconds, mode, path } = value;
  const known = Object.keys(value);
  const has = (...names: string[]): boolean => known.length === names.length && names.every((name) => name in value);
  if ((command === 'status' || command === 'resume' || command === 'confirm') && has('command')) return { command };
  if (command === 'pause' && has('command', 'seconds')) return { command, seconds: pauseSeconds(seconds) };
  if (command === 'load' && has('command', 'path')) return { command, path: absolutePath(path) };
  const wanted = MODES.find((each) => each === mode);
  if (command === 'mode' && wanted !== undefined && has('command', 'mode')) return { command, mode: wanted };
  throw wrong('it is no request that is known');
}

function pauseSeconds(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= LONGEST_PAUSE) return value;
  throw wrong(`a pause takes 1 to ${LONGEST_PAUSE} seconds`);
}

function absolutePath(value: unknown): string {
  if (typeof value === 'string' && value.length <= LONGEST_PATH && /^\/[^\0]*$/.test(value)) return value;
  throw wrong('a policy is named by its absolute path');
}

function wrong(what: string): FormatError {
  return new FormatError('ENGINE-REQUEST', what);
}
