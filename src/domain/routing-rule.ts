/** What in an issue speaks for a specialty. */
export type RoutingRule = {
  specialty: string;
  /** Patterns for paths that the issue names. */
  paths: readonly string[];
  /** Words or phrases of its title or text. */
  words: readonly string[];
  /** Names of issue types. */
  types: readonly string[];
  /** Question of an issue form → answers. */
  fields: Readonly<Record<string, readonly string[]>>;
};
