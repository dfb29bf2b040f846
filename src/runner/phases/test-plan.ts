import type { Command } from '../../contract/command-run.ts';
import type { JobSettings } from '../../contract/job.ts';
import type { FoundCommand, RepositoryAnalysis } from '../analysis/repository-analysis.ts';

/** More does not fit into a report. */
const MAX_COMMANDS = 20;
const MAX_REASON = 500;

/** What is run to tell whether the work is good. */
export type TestPlan = {
  setup: Command[];
  test: Command[];
  /** Why each of them. */
  reasons: FoundCommand[];
  /** Why `test` is empty, for people; `null` when it isn't. */
  withoutTests: string | null;
};

/** The repository's settings go before what the analysis found. */
export function planTests(
  settings: Pick<JobSettings, 'setupCommands' | 'testCommands'>,
  analysis: Pick<RepositoryAnalysis, 'setup' | 'test'>,
): TestPlan {
  const setup = (settings.setupCommands?.map(toWanted) ?? analysis.setup).slice(0, MAX_COMMANDS);
  const test = (settings.testCommands?.map(toWanted) ?? analysis.test).slice(0, MAX_COMMANDS);
  return {
    setup: setup.map(({ command }) => command),
    test: test.map(({ command }) => command),
    reasons: [...setup, ...test].map(({ command, reason }) => ({
      command,
      reason: reason.slice(0, MAX_REASON),
    })),
    withoutTests:
      test.length > 0
        ? null
        : settings.testCommands === null
          ? 'No test command was found in the repository; name one in .github/yardmaster.yml.'
          : "The repository's settings say that there are no tests for this specialty.",
  };
}

function toWanted(command: Command): FoundCommand {
  return { command, reason: 'the settings of the repository name it' };
}

/** Files that say what has to be installed. */
const DEPENDENCY_FILES =
  /(^|\/)(package(-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|requirements[^/]*\.(txt|in)|requirements\/[^/]+\.(txt|in)|pyproject\.toml|poetry\.lock|uv\.lock|setup\.(py|cfg)|Pipfile(\.lock)?|go\.(mod|sum|work|work\.sum)|Cargo\.(toml|lock)|pom\.xml|[^/]+\.gradle(\.kts)?|Gemfile(\.lock)?|gems\.(rb|locked)|composer\.(json|lock)|[^/]+\.(csproj|fsproj|vbproj|slnx?)|Directory\.Packages\.props|mix\.(exs|lock)|\.terraform\.lock\.hcl|[^/]+\.tf)$/;

/** Beside these: settings of package managers, and versions of toolchains. */
const INSTALL_SETTINGS =
  /(^|\/)(\.npmrc|\.yarnrc(\.yml)?|pnpm-workspace\.yaml|bunfig\.toml|\.nvmrc|\.node-version|\.python-version|\.ruby-version|\.tool-versions|constraints[^/]*\.(txt|in)|uv\.toml|\.pnpmfile\.[cm]?js|\.yarn\/(releases|plugins|patches)\/.+|gradle\/wrapper\/[^/]+|gradle\/[^/]+\.toml|buildSrc\/.+|\.mvn\/.+|\.gitmodules|Directory\.Build\.(props|targets)|rust-toolchain(\.toml)?|global\.json|nuget\.config|[^/]+\.gemspec|gradle\.properties|patches\/[^/]+|\.cargo\/config(\.toml)?)$/i;

/** Whether what set-up installs depends on the file. */
export function isDependencyFile(path: string): boolean {
  return DEPENDENCY_FILES.test(path) || INSTALL_SETTINGS.test(path);
}

/** Then set-up has to run again before the tests. */
export function touchesDependencies(paths: readonly string[]): boolean {
  return paths.some(isDependencyFile);
}
