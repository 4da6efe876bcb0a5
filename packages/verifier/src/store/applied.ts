import { SystemError } from '@assay/core/errors';
import { MIGRATIONS } from './migrations/index.ts';
import type { Migration } from './migrations/migration.ts';

/**
 * The steps that a store lacks.
 * @param applied names of the steps that it has
 * @throws SystemError DATABASE-NEWER when it has one that this verifier does not know
 */
export function missingSteps(store: string, applied: readonly string[]): Migration[] {
  const unknown = applied.find((name) => !MIGRATIONS.some((step) => step.name === name));
  if (unknown !== undefined) {
    throw new SystemError(
      'DATABASE-NEWER',
      `${store} has the step ${JSON.stringify(unknown)} of its schema, which this verifier does not know`,
    );
  }
  return MIGRATIONS.filter(({ name }) => !applied.includes(name));
}
