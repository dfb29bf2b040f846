import { z } from 'zod';
import type { Trigger } from '../domain/trigger.ts';
import { NO_INSTALLATION, RepositoryPayload, toActor, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const IssuePayload = RepositoryPayload.extend({
  issue: z.object({
    number: z.int().positive(),
    /** Moved by the very labelling that the event tells of, so it stands for its time. */
    updated_at: z.string(),
    closed_at: z.string().nullish(),
  }),
});

/** GitHub leaves the label out when it was deleted in the meantime. */
const LabelPayload = IssuePayload.extend({ label: z.object({ name: z.string() }).optional() });

/** The text is signed with the label: read again later, it could be one that nobody has looked at. */
const LabeledPayload = LabelPayload.extend({
  issue: IssuePayload.shape.issue.extend({ title: z.string(), body: z.string().nullish() }),
});

/** `issues.labeled`. */
export const translateLabeled: Translator = translatorOf(LabeledPayload, (payload) => {
  const event = toLabelEvent('label_added', payload);
  if (!event.ok) return meansNothing(event.reason);
  const { title, body, updated_at: at } = payload.issue;
  return means({ ...event.trigger, at, issue: { title, body: body ?? '' } });
});

/** `issues.unlabeled`. */
export const translateUnlabeled: Translator = translatorOf(LabelPayload, (payload) => {
  const event = toLabelEvent('label_removed', payload);
  return event.ok ? means(event.trigger) : meansNothing(event.reason);
});

/** What the two have in common, or why nothing comes of it. */
function toLabelEvent<Kind extends 'label_added' | 'label_removed'>(
  kind: Kind,
  payload: z.output<typeof LabelPayload>,
) {
  const target = toTarget(payload);
  if (target === null) return { ok: false, reason: NO_INSTALLATION } as const;
  if (payload.label === undefined) {
    return { ok: false, reason: 'the payload has no label: it was deleted' } as const;
  }
  const { number, updated_at } = payload.issue;
  const label = payload.label.name;
  const trigger = {
    kind,
    key: `${kind}:${payload.repository.id}#${number}:${updated_at}:${label.toLowerCase()}`,
    target,
    issueNumber: number,
    label,
    sender: toActor(payload),
  };
  return { ok: true, trigger } as const;
}

/** `issues.closed`, `issues.deleted`, `issues.transferred`: the payload is about the issue as it was here. */
export function translateIssueEnd(how: Extract<Trigger, { kind: 'issue_ended' }>['how']): Translator {
  return translatorOf(IssuePayload, (payload) => {
    const target = toTarget(payload);
    if (target === null) return meansNothing(NO_INSTALLATION);
    const { number, updated_at, closed_at } = payload.issue;
    // Deleted or moved is for good; closing and locking may be repeated.
    const times = {
      closed: `:${closed_at ?? updated_at}`,
      locked: `:${updated_at}`,
      deleted: '',
      transferred: '',
    };
    return means({
      kind: 'issue_ended',
      key: `issue_${how}:${payload.repository.id}#${number}${times[how]}`,
      target,
      issueNumber: number,
      how,
      sender: toActor(payload),
    });
  });
}
