import type { PolicyProposed } from '@assay/wire';
import { simulationText } from './simulation-text.ts';

/** What was proposed, what it would do, and what somebody else has to do for it. @param limit changes that are named */
export function proposalText(
  { policy, base, simulation }: Pick<PolicyProposed, 'policy' | 'base' | 'simulation'>,
  limit: number,
): string {
  const { name, version } = policy;
  return [
    `${name} version ${version} is proposed, made of version ${base}; nothing has changed yet.\n`,
    simulationText(simulation, limit),
    `next, by somebody else:\n`,
    `  assay policies diff ${name} ${base} ${version}\n`,
    `  assay policies fetch ${name} ${version} --out ${name}-${version}.json\n`,
    `  assay reference sign ${name}-${version}.json --key KEY --out ${name}-${version}.signed\n`,
    `  assay reference push ${name}-${version}.signed\n`,
    `  assay reference activate ${name} ${version}\n`,
  ].join('');
}
