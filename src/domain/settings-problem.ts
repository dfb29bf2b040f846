export const SETTINGS_FILE_PATH = '.github/yardmaster.yml';

/** One thing that is wrong in a settings file. */
export type SettingsProblem = {
  /** e.g. `specialties.backend.test`; `null` when it concerns the file as a whole. */
  key: string | null;
  /** From 1; `null` when it can't be told. */
  line: number | null;
  /** What is wrong, and what to do about it. */
  message: string;
};

/** More than anybody mends in one go. */
export const MAX_PROBLEMS = 10;

/** What people are told while the last good settings are in force. `problem`: of the newest ones. */
export function describeLastGood(problem: string): string {
  return `${problem}\n\nUntil that is mended, the last settings without mistakes are in force.`;
}

/** The problems as plain text of several lines, and how many `more` there are. `file` is how people know it. */
export function describeProblems(
  problems: readonly SettingsProblem[],
  more: number,
  file = `${SETTINGS_FILE_PATH} on the default branch`,
): string {
  const shown = problems.map(({ key, line, message }) => {
    const place = [line === null ? null : `line ${line}`, key].filter((part) => part !== null).join(', ');
    return place === '' ? `- ${message}` : `- ${place}: ${message}`;
  });
  return [`${file} can't be used:`, ...shown, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n');
}
