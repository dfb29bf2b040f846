import { SETTINGS_FILE_PATH } from './settings-problem.ts';

/** A settings file in which everything is commented out: as it stands, it changes nothing. */
const SETTINGS_TEMPLATE = `# Settings of Yardmaster for this repository. Everything here is optional: with no line of it in use, the built-in settings hold.
# \`yardmaster config check\` says what the file means, and so does a check run on every pull request that changes it.

# labels:                       # label → specialty, besides agent:<specialty>
#   bug: backend

# priority_labels:              # which work goes before or behind other work in the queue
#   security: high

# defaults:                     # for every specialty that does not say otherwise
#   setup: npm ci               # left out: what the runner finds in the repository
#   test: npm test              # all must exit 0; left out: what the runner finds
#   max_minutes: 60             # longest run
#   max_budget_usd: 5           # most money for one attempt
#   protected_paths: [infra]    # only people may change these
#   pull_request:
#     reviewers: [who_asked]
#     delete_branch: true       # when it has been merged or closed

# specialties:
#   frontend:
#     needs: [backend]          # where both are asked for on an issue, backend is merged first
#     allowed_paths: [web, docs]
#     guidance: |
#       Components have a story each.

# routing:                      # which specialty \`/agent run\` means on an issue without a label
#   - specialty: backend
#     types: [Bug]

# triggers:                     # who may start work; people need write access in any case
#   role: maintain
#   bots: ["renovate[bot]"]

# concurrency: 4                # jobs of this repository that are at work at once

# limits:                       # for each day (UTC)
#   repository: {jobs: 40, usd: 100}
#   person: {jobs: 10}
`;

/**
 * The template with the line by which editors find the schema. `schemaUrl`: where a coordinator serves it; `null`, when nobody said under which
 * name it is reached: then a file beside the settings, which `yardmaster config schema` writes.
 */
export function toSettingsTemplate(schemaUrl: string | null): string {
  const place = schemaUrl ?? './yardmaster.schema.json';
  const how =
    schemaUrl === null
      ? '# Editors complete and check this file once `yardmaster config schema > .github/yardmaster.schema.json` has written that one.\n'
      : '';
  return `# yaml-language-server: $schema=${place}\n${how}${SETTINGS_TEMPLATE}`;
}

/** The pull request that adds the file. */
export const SETTINGS_PROPOSAL = {
  branch: 'yardmaster/settings',
  path: SETTINGS_FILE_PATH,
  title: 'Settings for Yardmaster',
  body: [
    'This adds a settings file in which everything is commented out, so that merging it changes nothing. Take out the `#` of what you want to say otherwise, here or later.',
    'Without it, work begins when somebody with write access adds `agent:backend`, `agent:frontend`, `agent:testing` or `agent:devops` to an issue, or writes `/agent run backend` there. `/agent help` lists all commands.',
  ].join('\n\n'),
};
