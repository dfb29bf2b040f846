/** What an issue can be routed by without any configuration. */
export const BUILT_IN_SPECIALTIES = ['backend', 'frontend', 'testing', 'devops'] as const;

/** A label as GitHub wants it: the colour in six hexadecimal digits, the description at most 100 characters. */
export type LabelDefinition = { name: string; color: string; description: string };

/** The label that stands for a specialty unless the repository's settings say otherwise. */
export function toLabelName(specialty: string): string {
  return `agent:${specialty}`;
}

/** Borne by pull requests that are not reworked any more before a person has looked at them. */
export const NEEDS_HUMAN_LABEL: LabelDefinition = {
  name: 'agent:needs-human',
  color: 'fbca04',
  description: 'Yardmaster: reworked several times, and now a person has to look at it',
};
/** Specialties that the labels of an issue stand for, each once. `meaning`: label in lower case → specialty. */
export function toLabelled(labels: readonly string[], meaning: ReadonlyMap<string, string>): string[] {
  return [...new Set(labels.flatMap((label) => meaning.get(label.toLowerCase()) ?? []))];
}

/** Created in every repository when the App is installed. */
export const BUILT_IN_LABELS: readonly LabelDefinition[] = [
  { specialty: 'backend', color: '1d76db' },
  { specialty: 'frontend', color: 'd93f0b' },
  { specialty: 'testing', color: '0e8a16' },
  { specialty: 'devops', color: '5319e7' },
].map(({ specialty, color }) => ({
  name: toLabelName(specialty),
  color,
  description: `Yardmaster: hand this issue to a coding agent on a ${specialty} machine`,
}));
