import { readFileSync } from 'node:fs';
import { isRecord } from './is-record.ts';

/** A JSON Schema; `$ref` is the name of a shared schema of the same slice. */
export type Schema = { [keyword: string]: unknown };

/** One REST operation as `scripts/cut-github-contract.ts` writes it. */
export type Operation = {
  /** GitHub's operation id, as `checks/create`. */
  id: string;
  path?: Schema;
  query?: Schema;
  /** Path parameters whose value may hold slashes, as branch and file names do. */
  multiSegment?: string[];
  body?: { required?: boolean; schema: Schema };
  /** Status → media type → schema; a status without media types answers without a body. */
  responses: Record<string, Record<string, Schema>>;
};

export type RestSlice = {
  source: string;
  corrections: string[];
  /** Keyed by method and path template, as `GET /repos/{owner}/{repo}`. */
  operations: Record<string, Operation>;
  schemas: Record<string, Schema>;
};

export type WebhookSlice = {
  source: string;
  /** Keyed by event and action, as `issues.labeled`, or by the event alone where it has no actions. */
  events: Record<string, Schema>;
  schemas: Record<string, Schema>;
};

const FOLDER = new URL('../../fixtures/github-contract/', import.meta.url);

export function readRestSlice(): RestSlice {
  // The script that writes the file writes this shape; the check is for a file that is not its work.
  return readSlice('rest.json', 'operations') as RestSlice;
}

export function readWebhookSlice(): WebhookSlice {
  // As above.
  return readSlice('webhooks.json', 'events') as WebhookSlice;
}

function readSlice(file: string, table: string): unknown {
  const slice: unknown = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
  if (!isRecord(slice) || !isRecord(slice[table]) || !isRecord(slice.schemas)) {
    throw new Error(`${file} is not a slice: write it anew with scripts/cut-github-contract.ts`);
  }
  return slice;
}
