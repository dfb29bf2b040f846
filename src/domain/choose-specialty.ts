import type { IssueSnapshot } from '../contract/issue-snapshot.ts';
import type { RepoSettings } from './repo-settings.ts';

/** `reason`: for people, with what to do. */
export type SpecialtyChoice = { ok: true; specialty: string } | { ok: false; reason: string };

/** For which work an issue is looked at: the one that is named, else the one that its labels stand for, else the runner's only one. */
export function chooseSpecialty(
  named: string | null,
  ofRunner: readonly string[],
  { labels }: Pick<IssueSnapshot, 'labels'>,
  settings: RepoSettings,
): SpecialtyChoice {
  const labelled = labels.flatMap((label) => settings.labels.get(label.toLowerCase()) ?? []);
  const only = ofRunner.length === 1 ? ofRunner[0] : undefined;
  const specialty = named ?? labelled.find((one) => ofRunner.includes(one)) ?? only;
  const own = ofRunner.join(', ');
  if (specialty === undefined) return { ok: false, reason: `Name a specialty of this runner: ${own}.` };
  if (!ofRunner.includes(specialty))
    return { ok: false, reason: `This runner is not for ${specialty}, but for ${own}.` };
  if (settings.specialties.has(specialty)) return { ok: true, specialty };
  const known = [...settings.specialties.keys()].join(', ');
  return { ok: false, reason: `The repository knows no ${specialty}, but ${known}.` };
}
