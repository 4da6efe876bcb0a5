import { entryMemory, fieldsOf, type MeasurementEntry } from '@assay/core/measurement';

const LENGTH = 4;

/** As `entryMemory`; fields but the name are taken to be as long as they are on average. */
export function kernelMemory(entry: MeasurementEntry): number {
  const count = fieldsOf(entry.template).length;
  const lengths = entry.template === 'ima' ? LENGTH : count * LENGTH;
  const name = (entry.fields.name?.length ?? 0) + 1;
  const rest = Math.max(0, entry.templateData.length - lengths - name);
  const others = Array.from({ length: count - 1 }, () => Math.ceil(rest / (count - 1)));
  return entryMemory([name, ...others]);
}
