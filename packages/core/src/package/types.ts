/** What tells one package from another. */
export interface PackageName {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

/** A regular file of a package: absolute path, and `sha256:<hex>`. */
export interface PackagedFile {
  readonly path: string;
  readonly digest: string;
}
