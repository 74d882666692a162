import { PROVIDER_EVENT } from '../../../contracts/temporal.ts';
import type { Recorded } from './files.ts';

type Event = NonNullable<Recorded['history']['events']>[number];

/** Temporal's number of the event. */
const SIGNALED = 26;

/** The history with a provider's event just after an activity's end, so that one workflow task tells of both; if it has that end. */
export function signalledAfter(activity: string, { name, workflowId, history }: Recorded): Recorded | undefined {
  const events = history.events ?? [];
  const scheduled = events.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity);
  const at = events.findIndex(
    ({ activityTaskCompletedEventAttributes: ended }) =>
      ended && Number(ended.scheduledEventId) === Number(scheduled?.eventId),
  );
  const ended = events[at];
  if (ended === undefined) return undefined;
  const signal = {
    ...{ eventId: Number(ended.eventId) + 1, eventTime: ended.eventTime, eventType: SIGNALED },
    workflowExecutionSignaledEventAttributes: { signalName: PROVIDER_EVENT.name },
  };
  const later = events.slice(at + 1).map((event) => numberedAnew(event, signal.eventId) as Event);
  // Kept histories have plain numbers where the SDK's types say Long.
  return { name, workflowId, history: { events: [...events.slice(0, at + 1), signal as unknown as Event, ...later] } };
}

/** With one more for each id of an event from `from` on. */
function numberedAnew(value: unknown, from: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((each) => numberedAnew(each, from));
  const anew = ([key, each]: [string, unknown]): [string, unknown] =>
    typeof each === 'number' && /eventId$/i.test(key) && each >= from
      ? [key, each + 1]
      : [key, numberedAnew(each, from)];
  return Object.fromEntries(Object.entries(value).map(anew));
}
