/**
 * The modules to insert for `wanted`, each after those that it needs.
 * @param dep text of modules.dep: paths relative to the directory of modules
 * @param wanted names such as `virtio_blk`; what is built in is not in `dep` and is left out
 */
export function insertionOrder(dep: string, wanted: readonly string[]): string[] {
  const needs = new Map(dep.split('\n').filter(Boolean).map(dependencyLine));
  const order = new Set<string>();
  const add = (path: string, below: readonly string[]): void => {
    if (order.has(path) || below.includes(path)) return;
    for (const needed of needs.get(path) ?? []) add(needed, [...below, path]);
    order.add(path);
  };
  const paths = [...needs.keys()];
  for (const path of wanted.flatMap((name) => paths.find((each) => moduleName(each) === name) ?? [])) add(path, []);
  return [...order];
}

function dependencyLine(line: string): [string, string[]] {
  const [path = '', rest = ''] = line.split(':', 2);
  return [path, rest.split(' ').filter(Boolean)];
}

/** `kernel/drivers/block/virtio_blk.ko.xz` -> `virtio_blk` */
export function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  return file.replace(/\.ko(\.xz)?$/, '').replaceAll('-', '_');
}
