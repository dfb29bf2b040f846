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

/** GitHub takes no longer ones. */
const MAX_LABEL_CHARACTERS = 50;
/** A settings file has room for thousands, and each costs a request. */
const MAX_OWN_LABELS = 40;

/** The labels of specialties that are not built in. */
export function toSpecialtyLabels(specialties: readonly string[]): LabelDefinition[] {
  const builtIn = new Set<string>(BUILT_IN_SPECIALTIES);
  return specialties
    .filter((name) => !builtIn.has(name) && toLabelName(name).length <= MAX_LABEL_CHARACTERS)
    .slice(0, MAX_OWN_LABELS)
    .map((name) => ({
      name: toLabelName(name),
      color: 'bfd4f2',
      description: `Yardmaster: hand this issue to a coding agent on a ${name} machine`,
    }));
}
