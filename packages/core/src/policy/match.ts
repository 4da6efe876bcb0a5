import { maskText } from './access.ts';
import { ACCESS, type EventFile, type PolicyEvent, type Subject } from './event.ts';
import { hasVersion, type KernelProfile } from './profile.ts';
import type { HookFunction, IdCondition, IdField, Part, Rule } from './rule.ts';

/** One condition of a rule, as a test of an event. */
export interface Condition {
  readonly part: Part;
  /** As a rule writes it, such as `fsmagic=0x9fa0`. */
  readonly text: string;
  /** Undefined where the event does not tell. */
  readonly holds: (event: PolicyEvent) => boolean | undefined;
  /** What the event has instead, for people; undefined where it does not tell. */
  readonly found: (event: PolicyEvent) => string | undefined;
}

/**
 * The conditions of a rule in the order in which ima_match_rules (security/integrity/ima/ima_policy.c) tests them. All of
 * them must hold.
 */
export function conditionsOf(rule: Rule, profile: KernelProfile): Condition[] {
  const { func } = rule;
  if (func === undefined) return [unnamed(profile), ...fileConditions(rule)];
  if (func === 'SETXATTR_CHECK') return [named(func)]; // No access asks for it.
  if (func === 'KEY_CHECK' || func === 'CRITICAL_DATA') return [named(func), ...bufferConditions(rule)];
  if (func === 'KEXEC_CMDLINE' && !hasVersion(profile, '5.9')) return [named(func)];
  const conditions = fileConditions(rule);
  if (func !== 'POLICY_CHECK' || !hasVersion(profile, '7.3')) return [named(func), ...conditions];
  return [named(func), ...conditions.map(exceptForWrittenRules)];
}

/** Since 7.3 a rule that is written directly is an event without file, of which only the user is looked at. */
function exceptForWrittenRules(condition: Condition): Condition {
  if (condition.part === 'uid') return condition;
  return { ...condition, holds: (event) => event.file === undefined || condition.holds(event) };
}

/** After chmod and chown functions are not compared. */
function named(func: HookFunction): Condition {
  return {
    part: 'func',
    text: `func=${func}`,
    holds: (event) => event.func === func || event.func === 'POST_SETATTR',
    found: (event) => event.func,
  };
}

/** A rule without function: it matches everything but buffers that come without a file, which must be named. */
function unnamed(profile: KernelProfile): Condition {
  return {
    part: 'func',
    text: 'a function',
    holds: (event) => !isBareBuffer(event, profile),
    found: ({ func }) => func,
  };
}

/** Until 5.9 the command line of kexec came without the file of the new kernel. */
function isBareBuffer({ func, file }: PolicyEvent, profile: KernelProfile): boolean {
  if (func === 'KEY_CHECK' || func === 'CRITICAL_DATA') return true;
  if (func === 'KEXEC_CMDLINE') return !hasVersion(profile, '5.9');
  return func === 'POLICY_CHECK' && file === undefined && hasVersion(profile, '7.3');
}

/** ima_match_rule_data; gid is taken by the parser and not looked at here. */
function bufferConditions({ func, ids, keyrings, criticalDataLabels }: Rule): Condition[] {
  const user = ids.get('user');
  const names = func === 'KEY_CHECK' ? keyrings : criticalDataLabels;
  const part = func === 'KEY_CHECK' ? 'keyrings' : 'label';
  return [
    ...(user === undefined ? [] : [idCondition(user)]),
    ...(names === undefined
      ? []
      : [
          equal(
            part,
            names.join('|'),
            (text) => names.includes(text),
            ({ data }) => data,
          ),
        ]),
  ];
}

function fileConditions(rule: Rule): Condition[] {
  const { fsmagic, fsname, fsSubtype, fsuuid, ids, labels } = rule;
  const inOrder = (['user', 'group', 'fowner', 'fgroup'] as const).flatMap((slot) => ids.get(slot) ?? []);
  return [
    ...maskCondition(rule),
    ...(fsmagic === undefined ? [] : [magicCondition(fsmagic)]),
    ...ofFile('fsname', fsname, ({ type }) => type),
    ...ofFile('fs_subtype', fsSubtype, ({ subtype }) => subtype),
    ...ofFile('fsuuid', fsuuid, ({ uuid }) => uuid),
    ...inOrder.map(idCondition),
    ...[...labels].map(([field, { text, active }]): Condition => {
      return {
        part: field,
        text: `${field}=${text}`,
        holds: ({ hasLabel }) => active && hasLabel?.(field, text),
        found: () => (active ? undefined : 'no security module that knows it'),
      };
    }),
  ];
}

function maskCondition({ mask }: Rule): Condition[] {
  if (mask === undefined) return [];
  const bits = ACCESS[mask.name];
  const isMet = (given: number): boolean => (mask.any ? (given & bits) !== 0 : given === bits);
  return [
    {
      part: 'mask',
      text: `mask=${mask.any ? '^' : ''}${mask.name}`,
      holds: ({ func, mask: given }) => func === 'POST_SETATTR' || isMet(given),
      found: ({ mask: given }) => maskText(given),
    },
  ];
}

function magicCondition(fsmagic: bigint): Condition {
  return {
    part: 'fsmagic',
    text: `fsmagic=0x${fsmagic.toString(16)}`,
    holds: ({ file }) => (file?.magic === undefined ? undefined : file.magic === fsmagic),
    found: ({ file }) => (file?.magic === undefined ? undefined : `0x${file.magic.toString(16)}`),
  };
}

function ofFile(part: Part, wanted: string | undefined, read: (file: EventFile) => string | undefined): Condition[] {
  if (wanted === undefined) return [];
  const found = ({ file }: PolicyEvent): string | undefined => (file === undefined ? undefined : read(file));
  return [equal(part, wanted, (text) => text === wanted, found)];
}

function equal(
  part: Part,
  wanted: string,
  accepts: (text: string) => boolean,
  found: (event: PolicyEvent) => string | undefined,
): Condition {
  const holds = (event: PolicyEvent): boolean | undefined => {
    const text = found(event);
    return text === undefined ? undefined : accepts(text);
  };
  return { part, text: `${part}=${wanted}`, holds, found: (event) => found(event) || undefined };
}

function idCondition(condition: IdCondition): Condition {
  const { field, operator, value } = condition;
  const isMet = COMPARISONS[operator];
  return {
    part: field,
    text: `${field}${operator}${value}`,
    holds: (event) => {
      const ids = IDS[field](event);
      return ids === undefined ? undefined : ids.some((id) => isMet(id, value));
    },
    found: (event) => IDS[field](event)?.join(' or '),
  };
}

const COMPARISONS: Readonly<Record<IdCondition['operator'], (id: number, value: number) => boolean>> = {
  '=': (id, value) => id === value,
  '<': (id, value) => id < value,
  '>': (id, value) => id > value,
};

/** The ids of which one must fit. */
const IDS: Readonly<Record<IdField, (event: PolicyEvent) => readonly number[] | undefined>> = {
  uid: ({ subject }) => [subject.uid],
  euid: ({ subject }) => effectiveUsers(subject),
  gid: ({ subject }) => [subject.gid],
  egid: ({ subject }) => effectiveGroups(subject),
  fowner: ({ file }) => listOf(file?.owner),
  fgroup: ({ file }) => listOf(file?.group),
};

function effectiveUsers({ uid, euid, suid, setuid }: Subject): readonly number[] {
  return setuid ? [...new Set([euid, suid, uid])] : [euid];
}

function effectiveGroups({ gid, egid, sgid, setgid }: Subject): readonly number[] {
  return setgid ? [...new Set([egid, sgid, gid])] : [egid];
}

function listOf(id: number | undefined): readonly number[] | undefined {
  return id === undefined ? undefined : [id];
}
