/** What people keep to themselves unless their settings say otherwise, and what is said about it. */
export type Protection = {
  /** Completes "`path` is …". */
  what: string;
  patterns: readonly string[];
  /** Whether it is run as soon as it is pushed, on whatever branch. */
  runsWhenPushed: boolean;
  /** No setting takes it off the list. */
  always?: true;
};

/** The first that is for a path counts. Patterns as in `toPathMatcher`: a folder stands for all that is in it. */
export const PROTECTIONS: readonly Protection[] = [
  {
    what: 'a workflow, which GitHub runs with the repository’s own rights and takes from no App that may not write workflows',
    patterns: ['.github/workflows'],
    runsWhenPushed: true,
    always: true,
  },
  {
    what: 'an action, which workflows run with the repository’s own rights',
    patterns: ['.github/actions'],
    runsWhenPushed: true,
  },
  {
    what: 'configuration of continuous integration',
    patterns: [
      '.gitlab-ci.yml',
      '.gitlab/ci',
      '.circleci',
      '.buildkite',
      '.travis.yml',
      '.appveyor.yml',
      'appveyor.yml',
      '.drone.yml',
      '.drone.star',
      '.woodpecker',
      '.woodpecker.yml',
      '.woodpecker.yaml',
      '.cirrus.yml',
      '.cirrus.star',
      '.semaphore',
      '.teamcity',
      '.tekton',
      '.harness',
      '.forgejo',
      '.gitea',
      'azure-pipelines.yml',
      'azure-pipelines.yaml',
      '.azure-pipelines',
      'bitbucket-pipelines.yml',
      'bitrise.yml',
      'codemagic.yaml',
      'buildspec.yml',
      'cloudbuild.yaml',
      'cloudbuild.json',
      '**/Jenkinsfile',
      '**/Jenkinsfile.*',
      '**/*.jenkinsfile',
    ],
    runsWhenPushed: true,
  },
  {
    what: 'a list of code owners, who decide what is merged',
    // The three places where GitHub reads it.
    patterns: ['CODEOWNERS', 'docs/CODEOWNERS', '.github/CODEOWNERS'],
    runsWhenPushed: false,
  },
  {
    what: 'a setting of GitHub',
    patterns: ['.github'],
    runsWhenPushed: false,
  },
  {
    what: 'what coding agents are told or run',
    patterns: [
      '**/.claude',
      '**/CLAUDE.md',
      '**/CLAUDE.local.md',
      '**/AGENTS.md',
      '**/AGENTS.override.md',
      '**/AGENT.md',
      '**/.agents',
      '**/.mcp.json',
      '**/.codex',
      '**/.cursor',
      '**/.cursorrules',
      '**/.gemini',
      '**/GEMINI.md',
      '**/.aider*',
      '**/.windsurf',
      '**/.windsurfrules',
      '**/.clinerules',
      '**/.roo',
      '**/.continue',
      '**/.opencode',
      '**/opencode.json',
      '**/opencode.jsonc',
      '**/.amazonq',
      '**/.kiro',
      '**/.junie',
      '.vscode/mcp.json',
    ],
    runsWhenPushed: false,
  },
  {
    what: 'a git hook or its configuration, which runs on the machines of those who work on the repository',
    patterns: [
      '**/.husky',
      '.githooks',
      '.pre-commit-config.yaml',
      '.pre-commit-hooks.yaml',
      'lefthook.yml',
      '.lefthook.yml',
      '.lefthook',
    ],
    runsWhenPushed: false,
  },
  {
    what: 'a list of the repositories that submodules come from',
    patterns: ['.gitmodules'],
    runsWhenPushed: false,
  },
];

/** A lock file, and the files whose change is a reason for it to change: at the same place, or below (workspaces). */
export const LOCK_FILES: readonly { lock: RegExp; manifest: RegExp; named: string }[] = [
  {
    lock: /^(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?)$/i,
    manifest: /^(?:package\.json|pnpm-workspace\.yaml|\.yarnrc\.yml|\.npmrc|\.pnpmfile\.cjs)$/i,
    named: 'package.json',
  },
  { lock: /^deno\.lock$/i, manifest: /^(?:deno\.jsonc?|package\.json)$/i, named: 'deno.json' },
  {
    lock: /^(?:poetry|uv|pdm)\.lock$/i,
    manifest: /^(?:pyproject\.toml|uv\.toml|setup\.(?:py|cfg))$/i,
    named: 'pyproject.toml',
  },
  { lock: /^Pipfile\.lock$/i, manifest: /^Pipfile$/i, named: 'Pipfile' },
  { lock: /^Cargo\.lock$/i, manifest: /^Cargo\.toml$/i, named: 'Cargo.toml' },
  { lock: /^go\.sum$/i, manifest: /^go\.(?:mod|work)$/i, named: 'go.mod' },
  { lock: /^Gemfile\.lock$/i, manifest: /^(?:Gemfile|.*\.gemspec)$/i, named: 'Gemfile' },
  { lock: /^composer\.lock$/i, manifest: /^composer\.json$/i, named: 'composer.json' },
  { lock: /^mix\.lock$/i, manifest: /^mix\.exs$/i, named: 'mix.exs' },
  { lock: /^pubspec\.lock$/i, manifest: /^pubspec\.yaml$/i, named: 'pubspec.yaml' },
  { lock: /^Podfile\.lock$/i, manifest: /^(?:Podfile|.*\.podspec)$/i, named: 'Podfile' },
  { lock: /^Package\.resolved$/i, manifest: /^Package\.swift$/i, named: 'Package.swift' },
  { lock: /^flake\.lock$/i, manifest: /^flake\.nix$/i, named: 'flake.nix' },
  {
    lock: /^packages\.lock\.json$/i,
    manifest: /^(?:.*\.(?:cs|fs|vb)proj|Directory\.[A-Za-z]+\.props)$/i,
    named: 'the project file',
  },
  {
    lock: /^(?:gradle|buildscript-gradle)\.lockfile$/i,
    manifest: /^(?:.*\.gradle(?:\.kts)?|libs\.versions\.toml)$/i,
    named: 'build.gradle',
  },
  { lock: /^\.terraform\.lock\.hcl$/i, manifest: /^.*\.tf$/i, named: 'the *.tf files' },
];
