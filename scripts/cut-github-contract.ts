/**
 * Cuts the slices of GitHub's published descriptions that `test/support/github-contract.ts` judges by.
 *
 * The descriptions are huge (385 MB unpacked), so they are not dependencies: this script fetches the packages into a
 * temporary folder, takes the one file it needs, and keeps only our operations and events, as small JSON Schemas.
 * Run it by hand after raising a version below, and commit what it writes: `node scripts/cut-github-contract.ts`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cutGraphql, type KeptFields } from './github-contract/cut-graphql.ts';
import {
  createSchemaPool,
  isObject,
  type Json,
  type JsonObject,
  type SchemaPool,
} from './github-contract/schema-pool.ts';

const REST_PACKAGE = '@octokit/openapi@23.0.2';
const GRAPHQL_PACKAGE = '@octokit/graphql-schema@15.26.1';
const WEBHOOKS_PACKAGE = '@octokit/openapi-webhooks@12.1.0';
const DESCRIPTION_FILE = 'package/generated/api.github.com.json';
const GRAPHQL_FILE = 'package/schema.graphql';
const OUTPUT_FOLDER = new URL('../test/fixtures/github-contract/', import.meta.url);

const REPOSITORY = '/repos/{owner}/{repo}';

/** Paths whose every method goes into the slice; paths under `REPOSITORY` are given without that prefix. */
const PATHS = [
  '/app',
  '/app-manifests/{code}/conversions',
  '/app/hook/config',
  '/app/hook/deliveries',
  '/app/hook/deliveries/{delivery_id}',
  '/app/hook/deliveries/{delivery_id}/attempts',
  '/app/installations',
  '/app/installations/{installation_id}',
  '/app/installations/{installation_id}/access_tokens',
  '/app/installations/{installation_id}/suspended',
  '/apps/{app_slug}',
  '/installation/repositories',
  '/installation/token',
  '/meta',
  '/orgs/{org}/issue-types',
  '/orgs/{org}/teams/{team_slug}/memberships/{username}',
  '/rate_limit',
  '/user',
  '/users/{username}',
];

const REPOSITORY_PATHS = [
  '',
  '/actions/jobs/{job_id}/logs',
  '/assignees',
  '/assignees/{assignee}',
  '/branches',
  '/branches/{branch}',
  '/check-runs',
  '/check-runs/{check_run_id}',
  '/check-runs/{check_run_id}/annotations',
  '/check-runs/{check_run_id}/rerequest',
  '/check-suites',
  '/check-suites/preferences',
  '/check-suites/{check_suite_id}',
  '/check-suites/{check_suite_id}/check-runs',
  '/check-suites/{check_suite_id}/rerequest',
  '/collaborators/{username}/permission',
  '/commits',
  '/commits/{commit_sha}/pulls',
  '/commits/{ref}',
  '/commits/{ref}/check-runs',
  '/commits/{ref}/check-suites',
  '/commits/{ref}/status',
  '/commits/{ref}/statuses',
  '/compare/{basehead}',
  '/contents/{path}',
  '/git/blobs',
  '/git/blobs/{file_sha}',
  '/git/commits',
  '/git/commits/{commit_sha}',
  '/git/matching-refs/{ref}',
  '/git/ref/{ref}',
  '/git/refs',
  '/git/refs/{ref}',
  '/git/tags',
  '/git/tags/{tag_sha}',
  '/git/trees',
  '/git/trees/{tree_sha}',
  '/installation',
  '/issues',
  '/issues/comments',
  '/issues/comments/{comment_id}',
  '/issues/comments/{comment_id}/pin',
  '/issues/comments/{comment_id}/reactions',
  '/issues/comments/{comment_id}/reactions/{reaction_id}',
  '/issues/{issue_number}',
  '/issues/{issue_number}/assignees',
  '/issues/{issue_number}/comments',
  '/issues/{issue_number}/dependencies/blocked_by',
  '/issues/{issue_number}/dependencies/blocked_by/{issue_id}',
  '/issues/{issue_number}/dependencies/blocking',
  '/issues/{issue_number}/events',
  '/issues/{issue_number}/labels',
  '/issues/{issue_number}/labels/{name}',
  '/issues/{issue_number}/lock',
  '/issues/{issue_number}/parent',
  '/issues/{issue_number}/reactions',
  '/issues/{issue_number}/reactions/{reaction_id}',
  '/issues/{issue_number}/sub_issue',
  '/issues/{issue_number}/sub_issues',
  '/issues/{issue_number}/sub_issues/priority',
  '/labels',
  '/labels/{name}',
  '/languages',
  '/pulls',
  '/pulls/comments',
  '/pulls/comments/{comment_id}',
  '/pulls/comments/{comment_id}/reactions',
  '/pulls/{pull_number}',
  '/pulls/{pull_number}/comments',
  '/pulls/{pull_number}/comments/{comment_id}/replies',
  '/pulls/{pull_number}/commits',
  '/pulls/{pull_number}/files',
  '/pulls/{pull_number}/merge',
  '/pulls/{pull_number}/requested_reviewers',
  '/pulls/{pull_number}/reviews',
  '/pulls/{pull_number}/reviews/{review_id}',
  '/pulls/{pull_number}/reviews/{review_id}/comments',
  '/pulls/{pull_number}/reviews/{review_id}/dismissals',
  '/pulls/{pull_number}/reviews/{review_id}/events',
  '/rules/branches/{branch}',
  '/statuses/{sha}',
];

/** Webhook events, all actions of each, in the spelling of the description (`check-run`, not `check_run`). */
const EVENTS = [
  'check-run',
  'check-suite',
  'github-app-authorization',
  'installation',
  'installation-repositories',
  'installation-target',
  'issue-comment',
  'issues',
  'label',
  'ping',
  'pull-request',
  'pull-request-review',
  'pull-request-review-comment',
  'pull-request-review-thread',
  'push',
  'repository',
  'status',
];

/** What `github/closing-pull-requests.ts` asks. */
const GRAPHQL_FIELDS: KeptFields = {
  Query: ['repository'],
  Repository: ['issue'],
  Issue: ['closedByPullRequestsReferences'],
  PullRequestConnection: ['nodes', 'pageInfo'],
  PageInfo: ['hasNextPage', 'endCursor'],
  PullRequest: ['number', 'url', 'state', 'author', 'authorAssociation'],
  PullRequestState: 'whole',
  CommentAuthorAssociation: 'whole',
  Actor: ['login'],
  User: ['login'],
  URI: 'whole',
};

/**
 * Mistakes of the description that no true answer could satisfy. `mend` changes the schema found under `pointer`, and
 * throws once the mistake is gone upstream, so that no correction outlives its cause.
 */
const CORRECTIONS: { operation: string; pointer: string[]; reason: string; mend(found: JsonObject): void }[] =
  [
    {
      operation: 'GET /app/installations',
      pointer: [
        'responses',
        '200',
        'content',
        'application/json',
        'schema',
        'items',
        'properties',
        'account',
      ],
      reason: 'account is described as a user and an enterprise at once (allOf); it is one of the two',
      mend(account) {
        if (!Array.isArray(account.allOf))
          throw new Error('GET /app/installations: account is mended upstream');
        account.anyOf = account.allOf;
        delete account.allOf;
      },
    },
  ];

type Parameter = JsonObject & { name: string };

type Description = { paths: JsonObject; webhooks: JsonObject; components: JsonObject };

function fetchDescription(packageName: string): Description {
  // Trusted input: a published package of fixed version, whose shape every step below checks by using it.
  return JSON.parse(fetchFile(packageName, DESCRIPTION_FILE)) as Description;
}

/** Unpacks the one file of a package; nothing else of it reaches the disk for long. */
function fetchFile(packageName: string, file: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'github-contract-'));
  try {
    const packed = execFileSync('npm', ['pack', packageName, '--silent'], { cwd: folder, encoding: 'utf8' });
    execFileSync('tar', ['-xzf', packed.trim(), file], { cwd: folder });
    return readFileSync(join(folder, file), 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The object found by following `keys`, or an error naming the key that leads nowhere. */
function dig(from: Json | undefined, ...keys: string[]): JsonObject {
  let found = from;
  for (const key of keys) found = isObject(found) ? found[key] : undefined;
  if (!isObject(found)) throw new Error(`the description has no ${keys.join(' → ')}`);
  return found;
}

/** Parameters and responses may be references into `components`, one step deep. */
function follow(description: Description, value: Json | undefined): JsonObject {
  const object = dig(value);
  if (typeof object.$ref !== 'string') return object;
  return dig(description.components, ...object.$ref.split('/').slice(2));
}

function cutRest(description: Description): JsonObject {
  const pool = createSchemaPool(dig(description.components, 'schemas'));
  const operations: JsonObject = {};
  const paths = [...PATHS, ...REPOSITORY_PATHS.map((path) => REPOSITORY + path)];
  for (const path of paths) {
    for (const [method, operation] of Object.entries(dig(description.paths, path))) {
      const name = `${method.toUpperCase()} ${path}`;
      for (const correction of CORRECTIONS.filter((correction) => correction.operation === name)) {
        correction.mend(dig(operation, ...correction.pointer));
      }
      operations[name] = cutOperation(description, dig(operation), pool);
    }
  }
  const { schemas, inline } = pool.finish();
  return {
    source: REST_PACKAGE,
    corrections: CORRECTIONS.map(({ operation, reason }) => `${operation}: ${reason}`),
    operations: inline(operations),
    schemas,
  };
}

function cutOperation(description: Description, operation: JsonObject, pool: SchemaPool): JsonObject {
  const cut: JsonObject = { id: toText(operation.operationId) };
  for (const place of ['path', 'query'] as const) {
    const parameters = asArray(operation.parameters)
      .map((parameter) => follow(description, parameter))
      .filter((parameter) => parameter.in === place)
      .map((parameter): Parameter => ({ ...parameter, name: toText(parameter.name) }));
    if (parameters.length > 0) cut[place] = toObjectSchema(parameters, pool);
    const multiSegment = parameters.filter((parameter) => parameter['x-multi-segment'] === true);
    if (multiSegment.length > 0) cut.multiSegment = multiSegment.map(({ name }) => name);
  }
  if (operation.requestBody !== undefined) {
    const body = follow(description, operation.requestBody);
    const schema = pool.add(dig(body, 'content', 'application/json').schema ?? {});
    cut.body = body.required === true ? { required: true, schema } : { schema };
  }
  const responses: JsonObject = {};
  for (const [status, described] of Object.entries(dig(operation, 'responses'))) {
    responses[status] = cutContent(follow(description, described), pool);
  }
  cut.responses = responses;
  return cut;
}

/** One schema for all parameters of a place, which refuses any other. */
function toObjectSchema(parameters: Parameter[], pool: SchemaPool): JsonObject {
  const required = parameters.filter((parameter) => parameter.required === true);
  return {
    type: 'object',
    properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, pool.add(schema ?? {})])),
    ...(required.length > 0 ? { required: required.map(({ name }) => name) } : {}),
    additionalProperties: false,
  };
}

/** Media type → schema. */
function cutContent(response: JsonObject, pool: SchemaPool): JsonObject {
  const content: JsonObject = {};
  for (const [mediaType, described] of Object.entries(isObject(response.content) ? response.content : {})) {
    content[mediaType] = pool.add(dig(described).schema ?? {});
  }
  return content;
}

function cutWebhooks(description: Description): JsonObject {
  const pool = createSchemaPool(dig(description.components, 'schemas'));
  const events: JsonObject = {};
  for (const webhook of Object.values(description.webhooks)) {
    const operation = dig(webhook, 'post');
    const [event = '', action] = toText(operation.operationId).split('/');
    if (!EVENTS.includes(event)) continue;
    const name = [event, action]
      .filter((part) => part !== undefined)
      .join('.')
      .replaceAll('-', '_');
    events[name] = pool.add(dig(operation, 'requestBody', 'content', 'application/json').schema ?? {});
  }
  const { schemas, inline } = pool.finish();
  return { source: WEBHOOKS_PACKAGE, events: inline(events), schemas };
}

function toText(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error(`the description has ${JSON.stringify(value)} for a name`);
  return value;
}

function asArray(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

/** One line an entry: small, and still fit for reading a diff. */
function format(slice: JsonObject): string {
  const lines = Object.entries(slice).map(([key, value]) => {
    if (!isObject(value)) return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
    const entries = Object.entries(value).map(
      ([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`,
    );
    return `${JSON.stringify(key)}:{\n${entries.join(',\n')}\n}`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}

writeFileSync(new URL('rest.json', OUTPUT_FOLDER), format(cutRest(fetchDescription(REST_PACKAGE))));
writeFileSync(
  new URL('webhooks.json', OUTPUT_FOLDER),
  format(cutWebhooks(fetchDescription(WEBHOOKS_PACKAGE))),
);
writeFileSync(
  new URL('schema.graphql', OUTPUT_FOLDER),
  `# ${GRAPHQL_PACKAGE}\n\n${cutGraphql(fetchFile(GRAPHQL_PACKAGE, GRAPHQL_FILE), GRAPHQL_FIELDS)}`,
);
