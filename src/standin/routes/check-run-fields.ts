import type { CheckRunFields } from '../actions/checks.ts';
import { ApiError, validationFailed } from '../http/api-error.ts';
import { characterCount } from '../http/character-count.ts';
import { createBodyReader, type BodyReader } from '../http/body-reader.ts';
import { checkConclusions, type CheckAction, type CheckAnnotation, type CheckRun } from '../world.ts';

const longestText = 65_535;
const mostAnnotations = 50;
const mostActions = 3;
const longestAction = { label: 20, description: 40, identifier: 20 } as const;
const settableStatuses = ['queued', 'in_progress', 'completed', 'waiting', 'requested', 'pending'] as const;

/** Reads what a request sets on a check run, within GitHub's limits; throws 422 beyond them. */
export function readCheckRunFields(body: BodyReader, kind: 'create' | 'update'): CheckRunFields {
  const conclusion = body.oneOf('conclusion', checkConclusions);
  const status = body.oneOf('status', settableStatuses);
  const completedAtMs = body.time('completed_at');
  if (
    (status === 'completed' || completedAtMs !== undefined) &&
    conclusion === undefined &&
    kind === 'create'
  ) {
    throw body.missing('conclusion');
  }
  const output = body.record('output');
  return {
    name: kind === 'update' ? body.text('name') : undefined,
    externalId: body.text('external_id'),
    detailsUrl: readUrl(body, 'details_url'),
    status,
    conclusion,
    startedAtMs: body.time('started_at'),
    completedAtMs,
    ...(output === undefined ? {} : readOutput(output, kind)),
    actions: body.list('actions') && readActions(body.list('actions') ?? []),
  };
}

/** A run that is or becomes completed has to have a conclusion, of old or in this request. */
export function checkCompletion(run: CheckRun, fields: CheckRunFields): void {
  const completes = fields.status === 'completed' || fields.completedAtMs !== undefined;
  if (completes && (fields.conclusion ?? run.conclusion) === null) {
    throw new ApiError(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.');
  }
}

function readUrl(body: BodyReader, name: string): string | undefined {
  const url = body.text(name);
  if (url !== undefined && !/^https?:\/\//.test(url)) {
    throw validationFailed({
      resource: 'CheckRun',
      field: name,
      code: 'custom',
      message: `${name} must use http or https scheme`,
    });
  }
  return url;
}

function readOutput(
  output: Record<string, unknown>,
  kind: 'create' | 'update',
): { output: CheckRun['output']; annotations: CheckAnnotation[] } {
  const body = createBodyReader(output);
  const summary = body.requiredText('summary');
  const title = kind === 'create' ? body.requiredText('title') : body.text('title');
  const text = body.text('text');
  checkLength('summary', summary);
  checkLength('text', text ?? '');
  const annotations = body.list('annotations') ?? [];
  if (annotations.length > mostAnnotations) {
    throw tooMany('annotations', annotations.length, mostAnnotations);
  }
  return {
    output: { title: title ?? null, summary, text: text ?? null },
    annotations: annotations.map(readAnnotation),
  };
}

function checkLength(name: string, text: string): void {
  if (characterCount(text) > longestText) {
    throw new ApiError(
      422,
      `Invalid request.\n\nOnly ${longestText} characters are allowed; ${characterCount(text)} were supplied.`,
      { errors: [{ resource: 'CheckRun', field: name, code: 'invalid' }] },
    );
  }
}

function readAnnotation(value: unknown): CheckAnnotation {
  const body = createBodyReader(value);
  const startLine = body.integer('start_line');
  const endLine = body.integer('end_line');
  const level = body.oneOf('annotation_level', ['notice', 'warning', 'failure']);
  if (startLine === undefined) throw body.missing('start_line');
  if (endLine === undefined) throw body.missing('end_line');
  if (level === undefined) throw body.missing('annotation_level');
  return {
    path: body.requiredText('path'),
    startLine,
    endLine,
    startColumn: body.integer('start_column') ?? null,
    endColumn: body.integer('end_column') ?? null,
    level,
    message: body.requiredText('message'),
    title: body.text('title') ?? null,
    rawDetails: body.text('raw_details') ?? null,
  };
}

function readActions(values: unknown[]): CheckAction[] {
  if (values.length > mostActions) throw tooMany('actions', values.length, mostActions);
  return values.map((value) => {
    const body = createBodyReader(value);
    const read = (name: keyof typeof longestAction): string => {
      const text = body.requiredText(name);
      if (characterCount(text) > longestAction[name]) {
        throw new ApiError(
          422,
          `Invalid request.\n\nOnly ${longestAction[name]} characters are allowed; ${characterCount(text)} were supplied.`,
        );
      }
      return text;
    };
    return { label: read('label'), description: read('description'), identifier: read('identifier') };
  });
}

function tooMany(name: string, given: number, most: number): ApiError {
  return new ApiError(
    422,
    `Invalid request.\n\nNo more than ${most} items are allowed in ${name}; ${given} were supplied.`,
  );
}
