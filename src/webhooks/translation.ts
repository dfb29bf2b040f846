import type { Trigger } from '../domain/trigger.ts';

/** A delivery as translators see it. */
export type IncomingEvent = {
  guid: string;
  /** Parsed JSON, otherwise unchecked. */
  payload: unknown;
};

/** What a delivery means to us. `reason` says why it means nothing, for the log. */
export type Translation = { triggers: Trigger[]; reason: null } | { triggers: []; reason: string };

/** Never throws for what a payload holds or lacks. */
export type Translator = (event: IncomingEvent) => Translation;

export function means(...triggers: Trigger[]): Translation {
  return { triggers, reason: null };
}

export function meansNothing(reason: string): Translation {
  return { triggers: [], reason };
}
