/** What the database of packages says of a path that differs. It is a hint: who alters files can alter the database. */
export interface Reason {
  /** Name, with the architecture where several are installed. */
  readonly package: string;
  /** Version that is installed; none where the package is not. */
  readonly version?: string;
  /** Last thing that happened to the package after the baseline was made. */
  readonly action?: {
    readonly verb: 'install' | 'upgrade' | 'remove' | 'purge';
    readonly from?: string;
    readonly to?: string;
    /** Local time of the host, as dpkg wrote it. */
    readonly time: string;
  };
  /**
   * The content against the MD5 of the package. own: it is the package's. foreign: it is not. configuration: the package
   * lets people change it. unknown: the package has no MD5 of it.
   */
  readonly content: 'own' | 'foreign' | 'configuration' | 'unknown';
  /** Whether it explains the whole difference. */
  readonly explains: boolean;
  readonly sentence: string;
}
