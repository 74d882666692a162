import { EXIT, Failure } from '../failure.ts';
import { isFields, textOf } from '../settings/source.ts';

/** An error that the API answered. */
export class Refusal extends Failure {
  override readonly name = 'Refusal';
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    /** OpenAI's envelope, for `--json`. */
    readonly envelope: unknown,
  ) {
    super(message, EXIT.refused);
  }
}

/** The API could not be reached, or stopped answering. */
export class NotReachable extends Failure {
  override readonly name = 'NotReachable';
  constructor(
    message: string,
    /** The request may have arrived, and may have been carried out. */
    readonly mayBeDone = false,
  ) {
    super(message, EXIT.notReachable);
  }
}

export async function readRefusal(answer: Response): Promise<Refusal> {
  const text = await answer.text().catch(() => '');
  const envelope = parsed(text);
  const error = isFields(envelope) && isFields(envelope['error']) ? envelope['error'] : undefined;
  const message = error === undefined ? undefined : textOf(error, 'message');
  if (error === undefined || message === undefined) {
    const said = `${new URL(answer.url).origin} answered ${answer.status} without a message that Holdfast would send.`;
    return new Refusal(`${said} Is this the URL of a Holdfast API?`, answer.status, '', {
      error: { message: said, type: 'unreadable_answer', param: null, code: null },
    });
  }
  return new Refusal(message, answer.status, textOf(error, 'code') ?? '', envelope);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
