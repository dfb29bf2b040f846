import { z } from 'zod';
import { parseExternalId } from '../dispatch/check-run-identity.ts';
import { RepositoryPayload } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const CheckRunPayload = RepositoryPayload.pick({ installation: true }).extend({
  check_run: z.object({
    id: z.int().positive(),
    external_id: z.string().nullish(),
    app: z.object({ id: z.int() }).nullish(),
  }),
});

/** `check_run.completed`: most are of other Apps, or of attempts whose runners tell the coordinator themselves. */
export const translateCheckRunCompleted: Translator = translatorOf(CheckRunPayload, (payload, guid) => {
  const { check_run: run } = payload;
  const attempt = parseExternalId(run.external_id ?? null);
  if (attempt === null || run.app == null) return meansNothing('the check run is not of an attempt');
  return means({
    kind: 'check_run_completed',
    key: `check_run_completed:${guid}`,
    appId: run.app.id,
    attemptId: attempt.attemptId,
  });
});
