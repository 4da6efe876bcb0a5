import { pathToFileURL } from 'node:url';
import { LINT_CODES, RULE_CODES, type CodeText } from '@assay/core/errors';
import type { CheckedPolicy, LintFinding, PolicyLine } from '@assay/core/policy';
import packageJson from '../../package.json' with { type: 'json' };

type Level = 'error' | 'warning' | 'note';

interface Found {
  readonly code: string;
  readonly level: Level;
  readonly message: string;
  readonly line: number;
  readonly column?: number;
  /** The line as it should be, without its end. */
  readonly fixed?: string;
}

const CODES: Readonly<Record<string, CodeText>> = { ...RULE_CODES, ...LINT_CODES };

/** What there is to say of a policy as a log of SARIF 2.1.0 (OASIS), which services for code review show. */
export function sarifLog(
  path: string,
  lines: readonly PolicyLine[],
  checked: CheckedPolicy,
  lint: readonly LintFinding[],
): object {
  const found = [...refusedRules(checked), ...loadProblems(checked), ...lint.map(lintFound)];
  const codes = [...new Set(found.map(({ code }) => code))].toSorted();
  const artifact = { uri: uriOf(path) };
  const sources = new Map(lines.map((line) => [line.number, line]));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'assay', version: packageJson.version, rules: codes.map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        artifacts: [{ location: artifact, encoding: 'UTF-8' }],
        results: found.map((each) => resultOf(each, codes.indexOf(each.code), artifact, sources.get(each.line))),
      },
    ],
  };
}

function refusedRules({ rules }: CheckedPolicy): Found[] {
  return rules.flatMap((rule): Found[] => {
    if (rule.accepted) return [];
    const { code, message, column } = rule.refusal;
    return [{ code, level: 'error', message, line: rule.line, column }];
  });
}

function loadProblems({ load }: CheckedPolicy): Found[] {
  return load.map(({ code, bars, message, line }): Found => {
    return { code, level: bars === 'both' ? 'error' : 'warning', message, line };
  });
}

function lintFound({ code, severity, message, line, column, fix }: LintFinding): Found {
  return { code, level: severity, message, line, column, ...(fix === undefined ? {} : { fixed: fix.text }) };
}

function ruleOf(id: string): object {
  const { meaning = id, remedy = '' } = CODES[id] ?? {};
  const page = `docs/codes.md#${id.toLowerCase()}`;
  return { id, shortDescription: { text: meaning }, help: { text: remedy, markdown: `${remedy} [${page}](${page})` } };
}

function resultOf(
  found: Found,
  ruleIndex: number,
  artifact: { readonly uri: string },
  source: PolicyLine | undefined,
): object {
  const { code, level, message, line, column, fixed } = found;
  const region = { startLine: line, ...(column === undefined ? {} : { startColumn: column }) };
  return {
    ruleId: code,
    ruleIndex,
    level,
    message: { text: message },
    locations: [{ physicalLocation: { artifactLocation: artifact, region } }],
    ...(fixed === undefined || source === undefined ? {} : { fixes: [fixOf(fixed, source, artifact)] }),
  };
}

/** Words of the line are replaced, from the first to the last; comments stay. */
function fixOf(fixed: string, { number, tokens }: PolicyLine, artifact: { readonly uri: string }): object {
  const last = tokens.at(-1);
  const deletedRegion = {
    startLine: number,
    startColumn: tokens[0]?.column ?? 1,
    endColumn: last === undefined ? 1 : last.column + last.text.length,
  };
  return {
    description: { text: fixed === '' ? 'Remove the rule.' : `Write ${fixed}` },
    artifactChanges: [
      { artifactLocation: artifact, replacements: [{ deletedRegion, insertedContent: { text: fixed } }] },
    ],
  };
}

/** Relative paths stay so, as services for code review want them below the root of the project. */
function uriOf(path: string): string {
  if (path.startsWith('/')) return pathToFileURL(path).href;
  return path.split('/').map(encodeURIComponent).join('/');
}
